import { open } from 'node:fs/promises'
import { type Command, Option } from 'commander'
import type { z } from 'zod'
import type { Side } from '../core/side.js'
import type { Segment } from '../core/sniff-recording.js'
import { connectionPage, connectionsPage } from './admin-page-shapes.js'
import { askAdmin, DEFAULT_ADMIN, noAdminPage } from './ask-admin.js'
import type { LoadRegistry } from './command-entry.js'
import { EXIT_FAILED, UsageError } from './exit-code.js'
import type { StreamingIo } from './streaming-io.js'
import { connectionText, type ExplainedConnection } from './trace-text.js'

/** No window is larger. */
const MAX_INPUT_BYTES = 1024 * 1024

const NOTES = `
Of a running Sluice, over its admin endpoint:
  sluice explain 17                        connection 17, open or among the last closed ones
  sluice explain --last --listener in      the newest connection of a listener
  sluice explain --denied                  the connection that was denied last
Of recorded bytes, with no Sluice running:
  sluice explain --client-hex 160301020001 --votes
  sluice explain --server-file greeting.bin -c sluice.yaml --listener orders-db
With -c the listener says what it would have done: carried it, and where to, or denied it, and why.
Of every TCP flow of a capture, pcap or pcapng, or of one of them in full:
  sluice explain --pcap capture.pcapng
  sluice explain --pcap capture.pcapng --flow 3 --votes

Exit codes: 0 done, 1 no such connection or flow, 2 usage error, unreadable or damaged file.`

interface ExplainOptions {
  readonly last?: boolean
  readonly denied?: boolean
  readonly listener?: string
  readonly admin: string
  readonly config?: string
  readonly source?: string
  readonly destination?: string
  readonly votes?: boolean
  readonly output: 'text' | 'json'
  readonly clientHex?: string
  readonly clientText?: string
  readonly clientFile?: string
  readonly serverHex?: string
  readonly serverText?: string
  readonly serverFile?: string
  readonly pcap?: string
  readonly flow?: string
}

/** `sluice explain`: why Sluice did with a connection what it did. */
export function defineExplain(command: Command, io: StreamingIo, loadRegistry: LoadRegistry): void {
  command
    .argument('[id]', 'the number of a connection')
    .option('--last', 'the newest connection')
    .option('--denied', 'the connection that was denied last')
    .option('--listener <name>', 'of this listener only; with -c: which one (default: the first)')
    .option('--admin <url>', 'the admin endpoint', DEFAULT_ADMIN)
    .option('-c, --config <file>', 'for recorded bytes: what a listener of this configuration would have done')
    .option('--source <address>', 'for recorded bytes: where the client came from')
    .option('--destination <host:port>', 'for recorded bytes: where the client was headed')
    .option('--votes', 'who voted what, after which byte')
    .addOption(new Option('-o, --output <format>', 'how to print it').choices(['text', 'json']).default('text'))
  for (const side of ['client', 'server']) {
    command
      .option(`--${side}-hex <hex>`, `what the ${side} said first, in hex`)
      .option(`--${side}-text <text>`, `the same as text; \\r, \\n, \\t, \\0 and \\xNN are understood`)
      .option(`--${side}-file <file>`, 'the same, as a file holds it')
  }
  command
    .option('--pcap <file>', 'every TCP flow of a capture, pcap or pcapng; - reads standard input')
    .option('--flow <number>', 'with --pcap: this flow in full')
  command.addHelpText('after', NOTES).action(async (id: string | undefined, options: ExplainOptions) => {
    io.setExitCode(await explain(id, options, io, loadRegistry))
  })
}

async function explain(
  id: string | undefined,
  options: ExplainOptions,
  io: StreamingIo,
  loadRegistry: LoadRegistry,
): Promise<number> {
  const segments = await recordedSegments(options)
  const { pcap } = options
  const isRecorded = segments.length > 0
  const ways = [id !== undefined, options.last, options.denied, isRecorded, pcap !== undefined].filter(Boolean).length
  if (ways !== 1)
    throw new UsageError(
      'say one of: ID, --last, --denied, recorded bytes such as --client-hex, or --pcap (--help shows how)',
    )
  if (pcap !== undefined) {
    const { explainCapture } = await import('./explain-capture.js')
    return explainCapture({ ...options, pcap }, io, await loadRegistry())
  }
  if (options.flow !== undefined) throw new UsageError('--flow needs --pcap FILE')
  if (segments.length > 0) {
    const { explainRecording } = await import('./explain-recording.js')
    io.stdout.write(await explainRecording(segments, options, await loadRegistry()))
    return 0
  }
  const found = await findConnection(id, options)
  if (typeof found === 'string') {
    io.stderr.write(`${found}\n`)
    return EXIT_FAILED
  }
  io.stdout.write(
    options.output === 'json' ? `${JSON.stringify(found, null, 2)}\n` : connectionText(found, options.votes === true),
  )
  return 0
}

/** The connection, or why there is none. */
async function findConnection(id: string | undefined, options: ExplainOptions): Promise<ExplainedConnection | string> {
  if (id !== undefined && !/^#?[1-9]\d{0,14}$/.test(id))
    throw new UsageError(`expected the number of a connection, got "${id}"`)
  const number = id === undefined ? await newest(options) : Number(id.replace('#', ''))
  if (number === undefined)
    return `no ${options.denied ? 'denied ' : ''}connection${options.listener === undefined ? '' : ` of listener "${options.listener}"`} is known`
  const path = `/connections/${number}`
  const page = await askAdmin(options.admin, path)
  if (page === undefined) return `connection ${number} is not open, and not among the last closed ones`
  if (!connectionPage.safeParse(page).success) throw noAdminPage(options.admin, path)
  return page as ExplainedConnection
}

async function newest({ admin, denied, listener }: ExplainOptions): Promise<number | undefined> {
  const paths = denied ? ['/connections/closed'] : ['/connections/closed', '/connections']
  const lists = await Promise.all(paths.map((path) => listed(admin, path)))
  const candidates = lists
    .flat()
    .filter(
      (one) => (denied ? one.denied !== undefined : true) && (listener === undefined || one.listener === listener),
    )
  // The ring is in the order of closing: the last one denied is the last in it.
  if (denied) return candidates.at(-1)?.connection
  return candidates.length === 0 ? undefined : Math.max(...candidates.map(({ connection }) => connection))
}

async function listed(admin: string, path: string): Promise<z.output<typeof connectionsPage>['connections']> {
  const page = connectionsPage.safeParse(await askAdmin(admin, path))
  if (!page.success) throw noAdminPage(admin, path)
  return page.data.connections
}

async function recordedSegments(options: ExplainOptions): Promise<Segment[]> {
  const client = await bytesOf('client', options.clientHex, options.clientText, options.clientFile)
  const server = await bytesOf('server', options.serverHex, options.serverText, options.serverFile)
  return [
    ...(client ? [{ from: 'client' as const, data: client }] : []),
    ...(server ? [{ from: 'server' as const, data: server }] : []),
  ]
}

async function bytesOf(side: Side, hex?: string, text?: string, file?: string): Promise<Uint8Array | undefined> {
  if ([hex, text, file].filter((one) => one !== undefined).length > 1) {
    throw new UsageError(`say what the ${side} said once: --${side}-hex, --${side}-text or --${side}-file`)
  }
  if (hex !== undefined) return parseHex(hex, side)
  if (text !== undefined) return Buffer.from(unescapeText(text), 'latin1')
  return file === undefined ? undefined : readInput(file)
}

function parseHex(hex: string, side: Side): Uint8Array {
  const digits = hex.replace(/0x|[\s:]/gi, '')
  if (digits.length % 2 === 0 && /^[0-9a-f]*$/i.test(digits)) return Buffer.from(digits, 'hex')
  throw new UsageError(`--${side}-hex: expected pairs of hex digits, such as 160301 or "16 03 01"`)
}

const ESCAPES: Readonly<Record<string, string>> = { r: '\r', n: '\n', t: '\t', '0': '\0', '\\': '\\' }

/** Text as UTF-8, one character a byte, with its escapes replaced. */
function unescapeText(text: string): string {
  return Buffer.from(text, 'utf8')
    .toString('latin1')
    .replace(/\\(?:x([0-9a-f]{2})|([rnt0\\]))/gi, (_all, code: string | undefined, letter: string | undefined) =>
      code === undefined ? (ESCAPES[letter ?? ''] ?? _all) : String.fromCharCode(Number.parseInt(code, 16)),
    )
}

/** The first bytes of a file: more than a window is not looked at. */
async function readInput(file: string): Promise<Uint8Array> {
  try {
    const handle = await open(file)
    try {
      const { buffer, bytesRead } = await handle.read(Buffer.alloc(MAX_INPUT_BYTES), 0, MAX_INPUT_BYTES, 0)
      return buffer.subarray(0, bytesRead)
    } finally {
      await handle.close()
    }
  } catch (error) {
    throw new UsageError(`cannot read ${file}: ${(error as Error).message}`)
  }
}
