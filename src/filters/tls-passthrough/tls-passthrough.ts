import 'reflect-metadata'
import { inject } from 'tsyringe'
import { z } from 'zod'
import type { Connection } from '../../core/connection.js'
import { type CheckContext, defineFilter, type Filter, type Finding, type Verdict } from '../../core/filter.js'
import { OPTIONS } from '../../core/tokens.js'
import {
  parseServerNamePattern,
  SERVER_NAME_PATTERN,
  type ServerNamePattern,
} from '../../protocols/server-name-pattern.js'

const options = z.strictObject({
  allow: z
    .array(
      z.string().regex(SERVER_NAME_PATTERN, {
        error: (issue) =>
          `expected a server name such as shop.example.com or "*.example.com", got ${JSON.stringify(issue.input)}`,
      }),
    )
    .min(1)
    .optional()
    .describe(
      'Server names (SNI) that TLS connections may ask for: exact, or "*.x" for any name below x. TLS with another name, or none, is reset. ' +
        'What is not TLS passes. Default: every name.',
    ),
})
/** The options as they are written. */
export type TlsPassthroughInput = z.input<typeof options>
type Options = z.output<typeof options>
type Reason = 'sni-not-allowed' | 'no-sni'

/** Linkerd's value for TLS that is carried as it is. */
const TLS_LABEL = 'opaque'

/** Carries TLS untouched and says what it saw of it: the label `tls="opaque"`, SNI and ALPN as facts; resets names that are not allowed. */
class TlsPassthrough implements Filter<Reason> {
  readonly #allowed: readonly ServerNamePattern[] | undefined

  constructor(@inject(OPTIONS) { allow }: Options) {
    this.#allowed = allow?.map(parseServerNamePattern)
  }

  onConnection(connection: Connection): Verdict<Reason> {
    if (connection.detection === undefined) {
      connection.trace.note('waits for tls')
      connection.observe(labelAsTls, { protocol: 'tls' })
      return 'continue'
    }
    if (connection.detection.protocol !== 'tls')
      return this.#allowed && isPerhapsTls(connection) ? { deny: 'no-sni' } : 'continue'
    connection.setTlsLabel(TLS_LABEL)
    return this.#allowed === undefined ? 'continue' : this.#verdict(connection, this.#allowed)
  }

  #verdict(connection: Connection, allowed: readonly ServerNamePattern[]): Verdict<Reason> {
    const serverName = connection.detection?.facts.sni
    if (typeof serverName !== 'string') return { deny: 'no-sni' }
    connection.trace.note(serverName)
    return allowed.some((pattern) => pattern.matches(serverName)) ? 'continue' : { deny: 'sni-not-allowed' }
  }
}

/** RFC 8446 section 5.1: content type handshake, with which a ClientHello begins. */
const HANDSHAKE = 0x16

/** Nobody could tell in time, and the rest of it may be a ClientHello: what is undecided has no name that is allowed. */
function isPerhapsTls(connection: Connection): boolean {
  return connection.detection?.outcome !== 'detected' && connection.peek('client').bytes[0] === HANDSHAKE
}

function check({ allow }: Options, context: CheckContext): Finding[] {
  if (allow === undefined) return []
  const finding = (message: string): Finding[] => [
    { severity: 'error', code: 'SLUICE_CONFIG_NEEDS_DETECT', path: ['allow'], message },
  ]
  if (!context.before.includes('detect'))
    return finding(
      'needs the name that a client asks for, and no filter before tls-passthrough finds it out: put "- detect" before it',
    )
  const { protocols } = (context.optionsBefore('detect') ?? {}) as { readonly protocols?: readonly string[] }
  if (protocols === undefined || protocols.includes('tls')) return []
  return finding(
    'needs the name that a client asks for, and detect looks for other protocols only: add tls to its protocols',
  )
}

/** Nothing to observe: the label is all. */
function labelAsTls(connection: Connection): undefined {
  connection.setTlsLabel(TLS_LABEL)
}

export const tlsPassthrough = defineFilter({
  name: 'tls-passthrough',
  options,
  denyReasons: ['sni-not-allowed', 'no-sni'],
  use: TlsPassthrough,
  needs: ({ allow }) => (allow ? 'facts' : 'nothing'),
  check,
})
