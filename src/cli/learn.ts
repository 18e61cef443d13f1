import { type Command, InvalidArgumentError, Option } from 'commander'
import type { RememberedDestination } from '../core/destination-memory.js'
import { askAdmin, DEFAULT_ADMIN } from './ask-admin.js'
import type { CliIo } from './cli-io.js'
import { EXIT_FAILED } from './exit-code.js'
import { type LearnedListener, type LearnedPort, learnPorts } from './learned-ports.js'

/** Fewer connections may all have been of one client. */
const DEFAULT_MIN_CONNECTIONS = 10
/** Destinations of a port that a comment names. */
const MAX_NAMED_DESTINATIONS = 3

const NOTES = `
Asks a running Sluice over its admin endpoint, and prints a filter for the chain of each listener: put it before detect,
and connections to those ports are no longer looked at. A port is learned where every connection was the same.

Exit codes: 0 something was learned, 1 nothing was, 2 usage error.`

interface LearnOptions {
  readonly admin: string
  readonly listener?: string
  readonly minConnections: number
  readonly output: 'yaml' | 'json'
}

/** `sluice learn`: what destinations turned out to be, as options of `port-override`. */
export function defineLearn(command: Command, io: CliIo): void {
  command
    .option('--admin <url>', 'the admin endpoint', DEFAULT_ADMIN)
    .option('--listener <name>', 'of this listener only')
    .option('--min-connections <n>', 'leave out ports with fewer', parseCount, DEFAULT_MIN_CONNECTIONS)
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', NOTES)
    .action(async (options: LearnOptions) => io.setExitCode(await learn(options, io)))
}

async function learn({ admin, listener, minConnections, output }: LearnOptions, io: CliIo): Promise<number> {
  const page = (await askAdmin(admin, '/destinations')) as { destinations: RememberedDestination[] } | undefined
  const remembered = (page?.destinations ?? []).filter((one) => listener === undefined || one.listener === listener)
  const learned = learnPorts(remembered, minConnections)
  if (output === 'json') io.stdout.write(`${JSON.stringify({ listeners: learned }, null, 2)}\n`)
  else io.stdout.write(learned.map(toYaml).join('\n'))
  if (learned.some(({ ports }) => ports.length > 0)) return 0
  io.stderr.write('nothing learned: no destination has had enough connections that were detected, and all the same\n')
  return EXIT_FAILED
}

/** An item of `filters`, with what it rests on in comments. */
function toYaml({ listener, ports, leftOut }: LearnedListener): string {
  const width = Math.max(...ports.map((learned) => entry(learned).length))
  const lines = [
    `# listener ${listener}`,
    ...(ports.length > 0 ? ['- port-override:', '    ports:'] : []),
    ...ports.map((learned) => `      ${entry(learned).padEnd(width)}  # ${basis(learned)}`),
    ...leftOut.map(({ port, reason }) => `# left out: ${port} (${reason})`),
  ]
  return `${lines.join('\n')}\n`
}

function entry({ port, protocol }: LearnedPort): string {
  return `${port}: ${protocol}`
}

function basis({ connections, destinations }: LearnedPort): string {
  const named = destinations.slice(0, MAX_NAMED_DESTINATIONS).join(', ')
  const more = destinations.length - MAX_NAMED_DESTINATIONS
  return `${connections} connections to ${named}${more > 0 ? ` and ${more} more` : ''}`
}

function parseCount(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text)
  throw new InvalidArgumentError('expected a whole number from 1 on')
}
