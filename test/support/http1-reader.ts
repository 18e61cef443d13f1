import type { Socket } from 'node:net'

/** A message as it was framed. Text is one character a byte. */
export interface Http1Message {
  readonly startLine: string
  /** In their order, names as written, values without blanks around them. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly body: Buffer
  readonly trailers: readonly (readonly [name: string, value: string])[]
}

/** More of a line than any test sends: a reader that has lost its place ends here. */
const MAX_LINE_BYTES = 1024 * 1024
const CR = 0x0d
const LF = 0x0a

/** The bytes end, or the socket breaks, in the middle of a message: what came until then is no fault. */
export class TruncatedError extends Error {}

/** What a socket says, to be taken by lines and counts. Pauses the socket while nobody takes anything. */
export class ByteQueue {
  #held: Buffer = Buffer.alloc(0)
  #hasEnded = false
  #error: Error | undefined
  #wake: (() => void) | undefined
  readonly #socket: Socket | undefined

  /** Without a socket: `bytes` are all there is. */
  constructor(source: Socket | Buffer) {
    if (Buffer.isBuffer(source)) {
      this.#held = source
      this.#hasEnded = true
      return
    }
    this.#socket = source
    source.on('data', (chunk: Buffer) => {
      this.#held = this.#held.length === 0 ? chunk : Buffer.concat([this.#held, chunk])
      source.pause()
      this.#wake?.()
    })
    source.on('end', () => this.#over())
    source.on('error', (error) => this.#over(error))
    source.on('close', () => this.#over())
  }

  /** A line without its CRLF, or where `isLenient` its LF; undefined where the bytes end before its first one. */
  async line(isLenient = false): Promise<string | undefined> {
    for (;;) {
      const end = this.#held.indexOf(LF)
      if (end >= 0) {
        const hasCr = end > 0 && this.#held[end - 1] === CR
        if (!hasCr && !isLenient) throw new Error(`a line ends with LF: ${this.#show()}`)
        const line = this.#held.toString('latin1', 0, hasCr ? end - 1 : end)
        this.#held = this.#held.subarray(end + 1)
        if (line.includes('\r') || line.includes('\0')) throw new Error(`CR or NUL in ${JSON.stringify(line)}`)
        return line
      }
      if (this.#held.length > MAX_LINE_BYTES) throw new Error(`no line: ${this.#show()}`)
      if (await this.#isOver()) {
        if (this.#held.length === 0) return undefined
        throw new TruncatedError(`ended in a line: ${this.#show()}`)
      }
    }
  }

  async take(count: number): Promise<Buffer> {
    const parts: Buffer[] = []
    let left = count
    while (left > 0) {
      const part = this.#held.subarray(0, left)
      this.#held = this.#held.subarray(part.length)
      parts.push(part)
      left -= part.length
      if (left > 0 && this.#held.length === 0 && (await this.#isOver())) throw new TruncatedError('ended in a body')
    }
    return Buffer.concat(parts)
  }

  async rest(): Promise<Buffer> {
    while (!(await this.#isOver()));
    const rest = this.#held
    this.#held = Buffer.alloc(0)
    return rest
  }

  /** What has come and nobody has taken. */
  get untaken(): Buffer {
    return this.#held
  }

  /** Waits for more. True: there will be none. A broken socket throws. */
  async #isOver(): Promise<boolean> {
    const before = this.#held.length
    if (!this.#hasEnded) {
      this.#socket?.resume()
      await new Promise<void>((resolve) => (this.#wake = resolve))
      this.#wake = undefined
    }
    if (this.#held.length > before) return false
    if (this.#error !== undefined) throw new TruncatedError(this.#error.message)
    return this.#hasEnded
  }

  #over(error?: Error): void {
    this.#hasEnded = true
    this.#error ??= error
    this.#wake?.()
  }

  #show(): string {
    return JSON.stringify(this.#held.toString('latin1', 0, 200))
  }
}

const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

export interface ReadOptions {
  /** What RFC 9112 section 2.2 lets a reader accept: LF alone in heads and trailers, and empty lines before a start line. */
  readonly isLenient?: boolean
  /** Called with the fields, before the content has come. */
  readonly onFields?: (fields: Http1Message['fields']) => void
}

/**
 * Reads one request as the letter of RFC 9112 has it, without any leniency: what is not of that form throws. Written apart from what it
 * tests, and simply: everything is collected.
 */
export async function readRequest(from: ByteQueue, options: ReadOptions = {}): Promise<Http1Message | undefined> {
  const { isLenient = false } = options
  let startLine = await from.line(isLenient)
  while (isLenient && startLine === '') startLine = await from.line(isLenient)
  if (startLine === undefined) return undefined
  const words = startLine.split(' ')
  const [method = '', target = '', version = ''] = words

  if (
    words.length !== 3 ||
    !TOKEN.test(method) ||
    !/^HTTP\/1\.[01]$/.test(version) ||
    /^$|[\x00-\x20\x7f]/.test(target)
  )
    throw new Error(`no request line: ${JSON.stringify(startLine)}`)
  const fields = await readFields(from, isLenient)
  options.onFields?.(fields)
  return { startLine, fields, ...(await readContent(from, fields, 'none', isLenient)) }
}

/** Likewise, the response to a request with `method`. */
export async function readResponse(from: ByteQueue, method: string): Promise<Http1Message | undefined> {
  const startLine = await from.line()
  if (startLine === undefined) return undefined
  const status = /^HTTP\/1\.[01] ([1-9]\d\d)(?: |$)/.exec(startLine)?.[1]
  if (status === undefined) throw new Error(`no status line: ${JSON.stringify(startLine)}`)
  const fields = await readFields(from)
  const isEmpty = method === 'HEAD' || /^(?:1..|204|304)$/.test(status) || (method === 'CONNECT' && status < '300')
  return { startLine, fields, ...(isEmpty ? NO_CONTENT : await readContent(from, fields, 'until-close')) }
}

const NO_CONTENT = { body: Buffer.alloc(0), trailers: [] }

async function readFields(from: ByteQueue, isLenient = false): Promise<(readonly [string, string])[]> {
  const fields: (readonly [string, string])[] = []
  for (;;) {
    const line = await from.line(isLenient)
    if (line === undefined) throw new TruncatedError('ended in fields')
    if (line === '') return fields
    const colon = line.indexOf(':')
    const name = line.slice(0, colon)
    if (colon < 0 || !TOKEN.test(name)) throw new Error(`no field: ${JSON.stringify(line)}`)
    fields.push([name, line.slice(colon + 1).replace(/^[ \t]+|[ \t]+$/g, '')])
  }
}

async function readContent(
  from: ByteQueue,
  fields: readonly (readonly [string, string])[],
  withoutLength: 'none' | 'until-close',
  isLenient = false,
): Promise<Pick<Http1Message, 'body' | 'trailers'>> {
  const [lengths, codings] = [values(fields, 'content-length'), values(fields, 'transfer-encoding')]
  if (lengths.length + codings.length > 1) throw new Error(`framed twice: ${JSON.stringify({ lengths, codings })}`)
  if (codings[0] !== undefined) {
    if (codings[0].toLowerCase() !== 'chunked') throw new Error(`a coding: ${codings[0]}`)
    return readChunked(from, isLenient)
  }
  if (lengths[0] !== undefined) {
    if (!/^\d{1,15}$/.test(lengths[0])) throw new Error(`no length: ${lengths[0]}`)
    return { body: await from.take(Number(lengths[0])), trailers: [] }
  }
  return withoutLength === 'none' ? NO_CONTENT : { body: await from.rest(), trailers: [] }
}

async function readChunked(from: ByteQueue, isLenient: boolean): Promise<Pick<Http1Message, 'body' | 'trailers'>> {
  const parts: Buffer[] = []
  for (;;) {
    const line = await from.line()
    if (line === undefined) throw new TruncatedError('ended in chunks')
    const size = /^(0*[0-9a-fA-F]{1,12})[ \t]*(?:;.*)?$/.exec(line)?.[1]
    if (size === undefined) throw new Error(`no chunk size: ${JSON.stringify(line)}`)
    const count = parseInt(size, 16)
    if (count === 0) return { body: Buffer.concat(parts), trailers: await readFields(from, isLenient) }
    parts.push(await from.take(count))
    if ((await from.line()) !== '') throw new Error('a chunk is longer than it says')
  }
}

/** All values of a field, its name in lower case. */
export function values(fields: Http1Message['fields'], name: string): string[] {
  return fields.filter(([one]) => one.toLowerCase() === name).map(([, value]) => value)
}
