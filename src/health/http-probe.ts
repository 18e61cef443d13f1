import { formatAddress } from '../core/address.js'
import type { HostPort, HttpCheckConfig } from '../core/config/config.js'
import type { Transport } from '../core/transport.js'
import type { Wire } from '../core/wire.js'
import type { Probe } from './probe.js'
import { connectTo } from './tcp-probe.js'

/** A head of a check's answer is a few hundred bytes; longer than this it is something else that speaks there. */
const MAX_HEAD_BYTES = 16 * 1024
/** RFC 9112 section 4: HTTP-version SP status-code SP, and the reason, which may be empty or missing with its space. */
const STATUS_LINE = /^HTTP\/1\.[01] ([1-5]\d\d)(?: |$)/

/** Asks for a path with HTTP/1.1, and looks at the status of the answer; its body is not waited for. */
export class HttpProbe implements Probe {
  readonly #transport: Transport
  readonly #config: HttpCheckConfig

  constructor(transport: Transport, config: HttpCheckConfig) {
    this.#transport = transport
    this.#config = config
  }

  begin(address: HostPort, done: (problem?: string) => void): () => void {
    return connectTo(this.#transport, address, done, (wire) => this.#ask(wire, address, done))
  }

  #ask(wire: Wire, { host, port }: HostPort, done: (problem?: string) => void): void {
    let heard = ''
    let isOver = false
    const finish = (problem?: string): void => {
      if (isOver) return
      isOver = true
      wire.reset()
      done(problem)
    }
    wire.read({
      onChunk: (chunk) => {
        heard += Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength).toString('latin1')
        const status = finalStatus(heard)
        if (typeof status === 'number') finish(this.#problemOf(status))
        else if (status === 'no-http') finish('it does not answer with HTTP/1')
        else if (heard.length > MAX_HEAD_BYTES) finish('the head of its answer is too long')
      },
      onEnd: () => finish('it ended the connection without an answer'),
      onError: (error) => finish(error.message),
      onDrain: () => {},
    })
    const { path, host: name = formatAddress(host, port) } = this.#config
    const head = `GET ${path} HTTP/1.1\r\nHost: ${name}\r\nUser-Agent: sluice-health-check\r\nAccept: */*\r\nConnection: close\r\n\r\n`
    wire.write(Buffer.from(head, 'latin1'))
  }

  #problemOf(status: number): string | undefined {
    const isExpected = this.#config.statuses.some(({ from, to }) => status >= from && status <= to)
    return isExpected ? undefined : `it answered ${status}`
  }
}

/** The first status that is none of 1xx: those come before the answer. */
function finalStatus(text: string): number | 'need-more' | 'no-http' {
  for (let at = 0; ;) {
    const end = text.indexOf('\n', at)
    if (end < 0) return at === 0 && !isBeginning(text) ? 'no-http' : 'need-more'
    const status = STATUS_LINE.exec(text.slice(at, end).replace(/\r$/, ''))?.[1]
    if (status === undefined) return 'no-http'
    if (!status.startsWith('1')) return Number(status)
    const blank = /\r?\n\r?\n/.exec(text.slice(at))
    if (!blank) return 'need-more'
    at += blank.index + blank[0].length
  }
}

function isBeginning(text: string): boolean {
  return 'HTTP/1.'.startsWith(text.slice(0, 'HTTP/1.'.length))
}
