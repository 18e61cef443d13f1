import 'reflect-metadata'
import { inject } from 'tsyringe'
import { z } from 'zod'
import { formatAddress } from '../../core/address.js'
import { addressRanges } from '../../core/address-ranges.js'
import type { Clock } from '../../core/clock.js'
import { cidr, duration, size } from '../../core/config/scalars.js'
import { CLIENT_DESTINATION, type Connection, type PeekWindow } from '../../core/connection.js'
import { type CheckContext, defineFilter, type Filter, type Finding, type Verdict } from '../../core/filter.js'
import { CLOCK, OPTIONS } from '../../core/tokens.js'
import { MAX_V2_BYTES, type ProxyHeader, readProxyHeader } from '../../protocols/proxy-protocol.js'
import { PROXY_PROTOCOL, proxyProtocolSeen } from './proxy-protocol-seen.js'

/** 16 bytes and two UNIX addresses: the least that holds every header without TLVs. Section 2.2. */
const MIN_HEADER_BYTES = 232

const options = z.strictObject({
  trusted: z
    .array(cidr())
    .min(1)
    .describe(
      'Whose headers are believed: addresses and ranges of the proxies before this one. What they write becomes the source of a ' +
        'connection, so list no more than those.',
    ),
  untrusted: z
    .enum(['deny', 'pass'])
    .default('deny')
    .describe(
      'What to do with a connection from anyone else, decided without looking at its bytes: "deny" resets it; "pass" lets it go on ' +
        'under its own address, and a header that it sends is data like any other.',
    ),
  mode: z
    .enum(['required', 'optional'])
    .default('required')
    .describe(
      'Of a trusted peer: "required" denies a connection without a header; "optional" takes it as it is. The first bytes decide.',
    ),
  timeout: duration({ minMs: 1 })
    .prefault('5s')
    .describe(
      'The longest wait for a whole header, from the accept on: one that is lost comes again within 3s. A connection whose header ' +
        'is incomplete by then is denied.',
    ),
  clientSilent: duration({ minMs: 1 })
    .prefault('1s')
    .describe(
      'With "mode: optional": a trusted peer that has said nothing for so long sends no header. Until then a server that speaks ' +
        'first is not heard.',
    ),
  maxHeaderBytes: size({ minBytes: MIN_HEADER_BYTES, maxBytes: MAX_V2_BYTES })
    .prefault('4KiB')
    .describe(
      'The longest header, TLVs included; one that says it is longer is denied. No more than limits.peekWindow has an effect.',
    ),
})
/** The options as they are written. */
export type ProxyProtocolInput = z.input<typeof options>
type Options = z.output<typeof options>
type Reason = 'missing' | 'malformed' | 'untrusted' | 'timeout' | 'too-long'

/** The chain's own bound is there for bugs: ours comes first. */
const VERDICT_MARGIN_MS = 1_000

/** Reads the header of a proxy before us, takes it out of what the client says, and makes the address in it the connection's source. */
class ProxyProtocol implements Filter<Reason> {
  readonly verdictTimeoutMs: number
  readonly #options: Options
  readonly #clock: Clock
  readonly #isTrusted: (host: string) => boolean

  constructor(@inject(OPTIONS) settings: Options, @inject(CLOCK) clock: Clock) {
    this.#options = settings
    this.#clock = clock
    this.#isTrusted = addressRanges(settings.trusted)
    this.verdictTimeoutMs = Math.max(settings.timeout, settings.clientSilent) + VERDICT_MARGIN_MS
  }

  onConnection(connection: Connection): Verdict<Reason> | Promise<Verdict<Reason>> {
    // The source, not the peer: behind two proxies each header is believed of whom the one before it named.
    const { host } = connection.source
    if (!this.#isTrusted(host)) {
      connection.trace.note(`${host} is not trusted`)
      return this.#options.untrusted === 'deny' ? { deny: 'untrusted' } : 'continue'
    }
    return this.#look(connection) ?? this.#wait(connection)
  }

  /** A verdict by what the window shows; undefined while more bytes decide. */
  #look(connection: Connection): Verdict<Reason> | undefined {
    const { trace } = connection
    const window = connection.peek('client')
    const read = readProxyHeader(window.bytes, this.#options.maxHeaderBytes)
    switch (read.kind) {
      case 'header':
        apply(connection, read.header)
        window.consume(read.length)
        return 'continue'
      case 'none':
        return this.#without(connection, 'no header')
      case 'need-more':
        return this.#cutOff(connection, window, read.isBegun)
      case 'malformed':
      case 'too-long':
        trace.note(read.problem)
        return { deny: read.kind }
    }
  }

  #without({ trace }: Connection, what: string): Verdict<Reason> {
    trace.note(what)
    return this.#options.mode === 'required' ? { deny: 'missing' } : 'continue'
  }

  /** More bytes would decide: whether there will be any. */
  #cutOff(connection: Connection, window: PeekWindow, isBegun: boolean): Verdict<Reason> | undefined {
    if (window.full) {
      connection.trace.note('the header is longer than limits.peekWindow')
      return { deny: 'too-long' }
    }
    if (!window.ended) return undefined
    if (!isBegun) return this.#without(connection, 'the client ended before a header')
    connection.trace.note('the client ended within the header')
    return { deny: 'malformed' }
  }

  #wait(connection: Connection): Promise<Verdict<Reason>> {
    return new Promise((resolve, reject) => {
      const { timeout, clientSilent, mode } = this.#options
      const timers = [
        this.#clock.setTimer(timeout, () => settle(this.#late(connection))),
        ...(mode === 'optional' ? [this.#clock.setTimer(clientSilent, () => settle(this.#silent(connection)))] : []),
      ]
      const cancel = (): void => {
        for (const timer of timers) timer.cancel()
      }
      let isSettled = false
      const settle = (verdict: Verdict<Reason> | undefined): void => {
        if (verdict === undefined || isSettled) return
        isSettled = true
        cancel()
        resolve(verdict)
      }
      const look = (): void => {
        if (isSettled) return
        try {
          settle(this.#look(connection))
        } catch (error) {
          reject(error instanceof Error ? error : new Error(String(error)))
          return
        }
        if (!isSettled) listen()
      }
      // A connection that breaks while we wait is ended by the core: there is nothing to say of it.
      const listen = (): void => void connection.peek('client').more().then(look, cancel)
      connection.onClose(cancel)
      listen()
    })
  }

  #late(connection: Connection): Verdict<Reason> {
    const { length } = connection.peek('client').bytes
    connection.trace.note(length === 0 ? 'the client said nothing' : `${length} bytes, and no whole header`)
    return { deny: 'timeout' }
  }

  /** Where anything has come, the timeout goes on. */
  #silent(connection: Connection): Verdict<Reason> | undefined {
    return connection.peek('client').bytes.length > 0 ? undefined : this.#without(connection, 'the client is silent')
  }
}

function apply(connection: Connection, header: ProxyHeader): void {
  const { version, command, source, destination } = header
  connection.set(PROXY_PROTOCOL, proxyProtocolSeen(header))
  if (source) connection.source = source
  if (destination) connection.set(CLIENT_DESTINATION, destination)
  const who = source ? `the client is ${formatAddress(source.host, source.port)}` : 'names no client'
  connection.trace.note(`v${version} ${command}, ${who}`)
}

export const proxyProtocol = defineFilter({
  name: 'proxy-protocol',
  options,
  denyReasons: ['missing', 'malformed', 'untrusted', 'timeout', 'too-long'],
  use: ProxyProtocol,
  check,
})

/** `detect` would look at the header, and wait for it where it withholds. */
function check({ mode, timeout, clientSilent }: Options, { before }: CheckContext): Finding[] {
  const findings: Finding[] = []
  if (before.includes('detect'))
    findings.push({
      severity: 'error',
      code: 'SLUICE_CONFIG_FILTER_ORDER',
      path: [],
      message: 'stands after detect, which would take the header for what the client says: put it before "- detect"',
    })
  if (mode === 'optional' && clientSilent > timeout)
    findings.push({
      severity: 'error',
      code: 'SLUICE_CONFIG_INVALID_VALUE',
      path: ['clientSilent'],
      message: 'is longer than timeout, which would deny the silent client first',
    })
  return findings
}
