import { Command, Help } from 'commander'
import type { CommandEntry, LoadRegistry } from './command-entry.js'
import { COMMANDS } from './commands.js'
import { packageVersion } from './package-version.js'
import type { ServingIo } from './serving-io.js'
import type { StreamingIo } from './streaming-io.js'

const EXAMPLES = `
Examples:
  sluice proxy 127.0.0.1:3307 db.internal:4406   carry one port, and see what it speaks
  sluice run -c sluice.yaml                      run a configuration
  sluice check sluice.yaml                       find all its errors, without starting it
  sluice quickstart                              see it work, with nothing set up
  sluice inject deployment.yaml                  put it beside a workload of Kubernetes
  sluice new plugin my-protocol                  make a package that teaches it a protocol

Exit codes: 0 done, 1 failed, 2 usage error or unreadable file.`

/** Runs a command line, and of all commands loads the one that it names. Rejects with a CommanderError in place of exiting. */
export async function runProgram(
  args: readonly string[],
  io: ServingIo & StreamingIo,
  loadRegistry: LoadRegistry,
): Promise<void> {
  const program = makeProgram(io)
  const entries = new Map(COMMANDS.map((entry) => [addCommand(program, entry), entry]))
  const define = async (command: Command): Promise<void> => {
    const entry = entries.get(command)
    if (entry) (await entry.load())(command, io, loadRegistry)
  }
  program
    .configureHelp({ subcommandTerm: (command) => entries.get(command)?.term ?? new Help().subcommandTerm(command) })
    .hook('preSubcommand', (_program, command) => define(command))
  const helped = commandOfHelp(args, program)
  if (helped) await define(helped)
  await program.parseAsync(args, { from: 'user' })
}

/** `sluice` without its commands. */
function makeProgram(io: ServingIo & StreamingIo): Command {
  return new Command('sluice')
    .description(
      'A TCP proxy that finds out what every connection speaks: no port lists, no timers, and it can tell you why.',
    )
    .version(packageVersion(), '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('(--help shows what there is)')
    .configureOutput({ writeOut: (text) => void io.stdout.write(text), writeErr: (text) => void io.stderr.write(text) })
    .exitOverride()
}

/** The command, with nothing but its names. */
function addCommand(program: Command, { term, description }: CommandEntry): Command {
  const [name = '', ...aliases] = term.replace(/ .*/, '').split('|')
  return program.command(name).aliases(aliases).description(description)
}

/** What `sluice help run` is about: Commander prints it at once, without a hook. */
function commandOfHelp(args: readonly string[], { commands }: Command): Command | undefined {
  const [first, second = ''] = args.filter((arg) => !arg.startsWith('-'))
  return first === 'help' ? commands.find((one) => [one.name(), ...one.aliases()].includes(second)) : undefined
}
