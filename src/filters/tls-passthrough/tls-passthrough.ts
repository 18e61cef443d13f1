import 'reflect-metadata'
import { inject } from 'tsyringe'
import { z } from 'zod'
import type { Connection } from '../../core/connection.js'
import { defineFilter, type Filter, type Verdict } from '../../core/filter.js'
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
    if (connection.detection.protocol !== 'tls') return 'continue'
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
})
