import { once } from 'node:events'
import { type ClientRequest, type IncomingMessage, request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { type Command, Option } from 'commander'
import { TAP_PATH } from '../admin/tap-path.js'
import { errorText } from '../core/error-text.js'
import { adminUrl, DEFAULT_ADMIN, noAdminPage, noAnswer } from './ask-admin.js'
import { boundedLines } from './bounded-lines.js'
import { UsageError } from './exit-code.js'
import type { ServingIo } from './serving-io.js'
import type { StreamingIo } from './streaming-io.js'
import { tapLine } from './tap-line.js'

/** An endpoint on this machine that has not answered by then is no admin endpoint. */
const ANSWER_TIMEOUT_MS = 5_000
/** A head may have 1 MiB, each of its bytes six in JSON. */
const MAX_LINE_BYTES = 8 * 1024 * 1024
/** Of an answer that says why not. */
const MAX_REASON_LENGTH = 500

/** What is wrong with a parameter of the query begins with its name, which is that of the option. */
const PARAMETER = /^[a-z]+: /

const NOTES = `
Shows requests as they end, of a running Sluice with "admin" in its configuration and http-metrics or http-route in a chain:
  sluice tap                                    all of them
  sluice tap --listener web --status 5xx        what fails
  sluice tap --path '/orders/{id}' --method PUT one route; without braces --path is the beginning of a path
  sluice tap --sample 1% --max 100 -o json      a few, for a program
A reader that is too slow misses some, and is told how many. Ctrl-C ends it.

Exit codes: 0 done, 1 no answer, 2 usage error.`

interface TapCommandOptions {
  readonly admin: string
  readonly output: 'text' | 'json'
  readonly listener?: string
  readonly protocol?: string
  readonly status?: string
  readonly method?: string
  readonly path?: string
  readonly sample?: string
  readonly max?: string
}

/** `sluice tap`: requests of a running Sluice, live. */
export function defineTap(command: Command, io: ServingIo & StreamingIo): void {
  command
    .option('--admin <url>', 'the admin endpoint', DEFAULT_ADMIN)
    .option('--listener <name>', 'of this listener only: the others then do not pay for it')
    .option('--protocol <protocol>', 'http/1, http/2 or grpc')
    .option('--status <status>', 'one such as 404, or a class such as 5xx')
    .option('--method <method>', 'such as GET')
    .option('--path <path>', 'the beginning of a path, or a template such as /orders/{id}')
    .option('--sample <percent>', 'show a part of them, such as 10%')
    .option('--max <n>', 'end after so many')
    .addOption(new Option('-o, --output <format>', 'how to print them').choices(['text', 'json']).default('text'))
    .addHelpText('after', NOTES)
    .action(async (options: TapCommandOptions) => {
      await tap(options, io)
      io.setExitCode(0)
    })
}

async function tap(options: TapCommandOptions, io: ServingIo & StreamingIo): Promise<void> {
  const url = adminUrl(options.admin, TAP_PATH)
  for (const key of ['listener', 'protocol', 'status', 'method', 'path', 'sample', 'max'] as const) {
    const value = options[key]
    if (value !== undefined) url.searchParams.set(key, value)
  }
  let isStopped = false
  const asked = ask(url)
  const off = io.onStop(() => {
    isStopped = true
    asked.destroy()
  })
  try {
    const response = await answerOf(asked, url)
    await refuse(response, url, options.admin)
    await show(response, options.output, io)
    // Where --max was reached, this is what was asked for.
    if (!isStopped && options.max === undefined) io.stderr.write('sluice: the admin endpoint has ended the tap\n')
  } catch (error) {
    if (isStopped) return
    if (!isCut(error)) throw error
    throw noAnswer(url, 'the connection to the admin endpoint broke off')
  } finally {
    off()
    asked.destroy()
  }
}

function ask(url: URL): ClientRequest {
  const request = url.protocol === 'https:' ? httpsRequest : httpRequest
  return request(url, { agent: false, headers: { accept: 'application/x-ndjson' } })
}

async function answerOf(asked: ClientRequest, url: URL): Promise<IncomingMessage> {
  asked.setTimeout(ANSWER_TIMEOUT_MS, () => asked.destroy(new Error('no answer in time')))
  asked.end()
  try {
    const [response] = (await once(asked, 'response')) as [IncomingMessage]
    // From here on silence only means that there are no requests.
    asked.setTimeout(0)
    return response
  } catch (error) {
    throw noAnswer(
      url,
      `${errorText(error)}. Does Sluice run, with "admin" in its configuration? --admin names another address`,
    )
  }
}

/** Throws where the answer is no tap. */
async function refuse(response: IncomingMessage, url: URL, admin: string): Promise<void> {
  if (response.statusCode === 200 && response.headers['content-type']?.startsWith('application/x-ndjson')) return
  let reason = ''
  for await (const chunk of response.setEncoding('utf8') as AsyncIterable<string>) {
    reason += chunk
    if (reason.length >= MAX_REASON_LENGTH) break
  }
  if (response.statusCode === 200) throw noAdminPage(admin, TAP_PATH)
  const text = errorText(reason.slice(0, MAX_REASON_LENGTH).trim())
  if (response.statusCode === 400) throw new UsageError(PARAMETER.test(text) ? `--${text}` : text)
  throw noAnswer(url, `${response.statusCode}: ${text}`)
}

async function show(response: IncomingMessage, output: 'text' | 'json', io: StreamingIo): Promise<void> {
  for await (const { bytes } of boundedLines(response as AsyncIterable<Uint8Array>, MAX_LINE_BYTES)) {
    if (bytes === undefined) continue
    const line = Buffer.from(bytes).toString('utf8')
    // Waits for whoever reads: what comes meanwhile is bounded, and counted, at the other end.
    await io.writeAnswer(output === 'json' ? `${line}\n` : tapLine(line, new Date()))
  }
}

/** Node's word for an answer that the other end did not finish. */
function isCut(error: unknown): boolean {
  return (
    error instanceof Error &&
    'code' in error &&
    (error.code === 'ECONNRESET' || error.code === 'ERR_STREAM_PREMATURE_CLOSE')
  )
}
