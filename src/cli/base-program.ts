import { Command } from 'commander'
import type { CliIo } from './cli-io.js'
import { packageVersion } from './package-version.js'

/** `sluice` without its commands. It throws a CommanderError in place of exiting. */
export function makeBaseProgram(io: CliIo): Command {
  return new Command('sluice')
    .description(
      'A TCP proxy that finds out what every connection speaks: no port lists, no timers, and it can tell you why.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .showHelpAfterError('(--help shows what there is)')
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: (text) => void io.stderr.write(text) })
    .exitOverride()
}
