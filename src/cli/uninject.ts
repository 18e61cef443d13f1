import type { Command } from 'commander'
import { uninjectManifest } from '../kubernetes/uninject-manifest.js'
import { convertManifests } from './convert-manifests.js'
import { EXIT_FAILED } from './exit-code.js'
import { uninjectionReport } from './injection-report.js'
import { joinManifests, readManifests } from './read-manifests.js'
import type { StreamingIo } from './streaming-io.js'

const NOTES = `
Of one manifest that was injected and not changed since, the very same bytes come back. What is without a sidecar passes through.

Exit codes: 0 done, 1 a manifest cannot be read, and nothing was written, 2 usage error or unreadable file.`

/** `sluice uninject`: takes out what `sluice inject` put in. */
export function defineUninject(command: Command, io: StreamingIo): void {
  command
    .argument('<manifests...>', 'files, folders, or - for standard input')
    .addHelpText('after', NOTES)
    .action(async (names: string[]) => {
      io.setExitCode(await uninject(names, io))
    })
}

async function uninject(names: readonly string[], io: StreamingIo): Promise<number> {
  const uninjected = convertManifests(await readManifests(names, io), io, uninjectManifest)
  if (!uninjected) return EXIT_FAILED
  await io.writeAnswer(joinManifests(uninjected.map(({ text }) => text)))
  io.stderr.write(uninjectionReport(uninjected.flatMap(({ results }) => results)))
  return 0
}
