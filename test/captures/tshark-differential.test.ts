import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { needPrograms } from '../support/need-programs.js'
import { expectSameAsTshark } from '../support/captures/expect-same-as-tshark.js'
import { SAMPLE_CAPTURES } from '../support/captures/sample-captures.js'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js'

const programs = needPrograms('tshark')

let folder: TemporaryFolder
beforeAll(async () => (folder = await temporaryFolder('captures')))
afterAll(() => folder.remove())

describe.skipIf(programs.areMissing)(`the flows of a capture are those of tshark${programs.why}`, () => {
  test.for(SAMPLE_CAPTURES.map((sample, index) => ({ ...sample, index })))(
    '$title',
    async ({ file, flows, isCut, index }) => {
      const path = join(folder.path, `${index}.pcap`)
      await writeFile(path, file)
      expect(await expectSameAsTshark(path, isCut ? 'up-to-the-gap' : 'whole')).toHaveLength(flows)
    },
  )
})
