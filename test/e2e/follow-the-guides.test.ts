import { execFile, execFileSync } from 'node:child_process'
import { copyFile, cp } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { packageVersion } from '../../src/cli/package-version.js'
import { type TemporaryFolder, temporaryFolder } from '../support/temporary-folder.js'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const tarball = `sluice-${packageVersion()}.tgz`

/** Longest that npm may take to install on a slow network: what hangs, fails with what it printed. */
const STEP_LIMIT_MS = 240_000

/** As a user's shell has it: this test's own runner must not show through. */
const env = Object.fromEntries(
  Object.entries(process.env).filter(([name]) => !/^(VITEST|NODE_ENV$|NODE_OPTIONS$|SLUICE_|TEST$|npm_)/i.test(name)),
)

/** The packages' registry: it answers, or why not. */
function registryProblem(): string | undefined {
  try {
    execFileSync('npm', ['view', 'vitest@4.1.12', 'version'], { env, stdio: 'pipe', timeout: 30_000 })
    return undefined
  } catch (error) {
    if (process.env['CI'] === 'true') throw error
    console.log('skipped: the npm registry does not answer')
    return ' [skipped: the npm registry does not answer]'
  }
}

const problem = registryProblem()

describe.skipIf(problem !== undefined)(`the guides, followed in an empty folder${problem ?? ''}`, () => {
  let packed: string

  beforeAll(async () => {
    const folder = await temporaryFolder('packed')
    // Built by `npm test`; the scripts would build again under the other tests.
    await run('npm', ['pack', '--ignore-scripts', '--pack-destination', folder.path], { cwd: root, env })
    packed = join(folder.path, tarball)
    return () => folder.remove()
  })

  /** An empty folder with nothing but the tarball. */
  async function emptyFolder(): Promise<string> {
    const folder: TemporaryFolder = await temporaryFolder('guide')
    onTestFinished(() => folder.remove())
    await copyFile(packed, join(folder.path, tarball))
    return folder.path
  }

  /** Runs a script of the guides, each line of it, until one fails. */
  async function script(name: string, cwd: string): Promise<string> {
    const { stdout } = await run('sh', ['-e', join(root, 'test/docs', name)], { cwd, env, timeout: STEP_LIMIT_MS })
    return stdout
  }

  test(
    'write-a-sniffer.md ends in a package that passes its tests and that Sluice loads',
    async () => {
      const folder = await emptyFolder()
      expect(await script('new-sniffer.sh', folder)).toMatch(/2 passed/)
      const made = join(folder, 'sluice-plugin-gearman')
      await cp(join(root, 'examples/gearman-sniffer'), made, { recursive: true })
      const output = await script('try-sniffer.sh', made)
      expect(output).toMatch(/2 passed/)
      expect(output).toContain('sluice.yaml is valid: 1 listener, 0 upstreams, 1 plugin')
    },
    2 * STEP_LIMIT_MS,
  )

  test(
    'write-a-filter.md ends in a package that passes its tests and that Sluice loads',
    async () => {
      const folder = await emptyFolder()
      await script('new-filter.sh', folder)
      const made = join(folder, 'sluice-plugin-acme')
      await cp(join(root, 'examples/source-quota'), made, { recursive: true })
      const output = await script('try-filter.sh', made)
      expect(output).toMatch(/5 passed/)
      expect(output).toContain('sluice.yaml is valid: 1 listener, 0 upstreams, 1 plugin')
    },
    2 * STEP_LIMIT_MS,
  )

  test(
    'use-in-tests.md ends in two tests that pass',
    async () => {
      const folder = await emptyFolder()
      await script('use-in-tests.sh', folder)
      await cp(join(root, 'examples/sluice-in-a-test'), folder, { recursive: true })
      expect(await script('run-tests.sh', folder)).toMatch(/2 passed/)
    },
    2 * STEP_LIMIT_MS,
  )
})
