import 'reflect-metadata'
import { inject } from 'tsyringe'
import { z } from 'zod'
import { duration } from '../../core/config/scalars.js'
import type { Connection } from '../../core/connection.js'
import { detectWithheld, type WithheldOptions } from '../../core/detect-withheld.js'
import type { DetectionResult } from '../../core/detection-result.js'
import type { SnifferPlan } from '../../core/detection.js'
import {
  type CheckContext,
  defineFilter,
  type Filter,
  type Finding,
  type Needs,
  type Verdict,
} from '../../core/filter.js'
import type { ListenerContext } from '../../core/listener-context.js'
import { ProxiedConnection } from '../../core/proxied-connection.js'
import type { SnifferPlans } from '../../core/sniffer-plans.js'
import { LISTENER, OPTIONS, SNIFFER_PLANS, UPSTREAMS } from '../../core/tokens.js'
import type { Upstreams } from '../../core/upstreams.js'

const otherwise = z.enum(['continue', 'deny']).default('continue')

const options = z.strictObject({
  protocols: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('The protocols to look for; everything else is unknown. Default: all that there are.'),
  timeout: duration({ minMs: 1 })
    .prefault('10s')
    .describe('Where bytes are withheld: the longest wait for the name, from the first withheld byte on.'),
  onTimeout: otherwise.describe(
    'What to do when the timeout comes first: "continue" carries the connection as opaque, "deny" resets it.',
  ),
  onUnknown: otherwise.describe(
    'What to do with what no sniffer knows: "continue" carries it as opaque, "deny" resets it.',
  ),
  earlyDial: z
    .boolean()
    .default(true)
    .describe(
      "Where bytes are withheld and the client is silent: dial the destination, so that the server's greeting can decide. Default true.",
    ),
})
/** The options as they are written. */
export type DetectInput = z.input<typeof options>
type Options = z.output<typeof options>
type Reason = 'timeout' | 'unknown'

const RANK: Readonly<Record<Needs, number>> = { nothing: 0, protocol: 1, facts: 2 }

/**
 * Finds out what is spoken. Where no later filter needs the name it looks on beside the relay and withholds nothing; else it
 * withholds both sides until the name is there.
 */
class Detect implements Filter<Reason> {
  /** Its waits have bounds of their own: silence, then the timeout. */
  readonly verdictTimeoutMs: number
  readonly #plan: SnifferPlan
  readonly #options: Options
  readonly #withheld: WithheldOptions | undefined

  constructor(
    @inject(OPTIONS) settings: Options,
    @inject(SNIFFER_PLANS) plans: SnifferPlans,
    @inject(LISTENER) listener: ListenerContext,
    @inject(UPSTREAMS) upstreams: Upstreams,
  ) {
    this.#options = settings
    this.#plan = plans.of(settings.protocols)
    this.#withheld = withheldOptions(settings, listener, upstreams)
    const silence = Math.max(listener.firstByteTimeoutMs, listener.silentDestination?.afterMs ?? 0)
    this.verdictTimeoutMs = silence + settings.timeout + 1_000
  }

  onConnection(connection: Connection): Verdict<Reason> | Promise<Verdict<Reason>> {
    const driven = driver(connection)
    if (connection.detection) {
      connection.trace.note(`the port says ${connection.detection.protocol}`)
      return this.#learnFacts(driven, connection.detection)
    }
    if (this.#withheld === undefined) {
      connection.trace.note('looks on beside the relay')
      driven.detectBeside(this.#plan)
      return 'continue'
    }
    return detectWithheld(driven, this.#plan, this.#withheld).then((result) => this.#verdict(connection, result))
  }

  /** A port gives no facts: where a later filter needs them, they are waited for, of that protocol alone. */
  #learnFacts(connection: ProxiedConnection, named: DetectionResult): Verdict<Reason> | Promise<Verdict<Reason>> {
    const plan = this.#withheld?.need === 'facts' ? this.#plan.only(named.protocol) : undefined
    if (plan === undefined || this.#withheld === undefined) return 'continue'
    return detectWithheld(connection, plan, { ...this.#withheld, named }).then(() => 'continue')
  }

  #verdict(connection: Connection, { outcome, protocol }: DetectionResult): Verdict<Reason> {
    connection.trace.note(protocol ?? outcome)
    if (outcome === 'detected') return 'continue'
    if (outcome === 'timeout') return this.#options.onTimeout === 'deny' ? { deny: 'timeout' } : 'continue'
    return this.#options.onUnknown === 'deny' ? { deny: 'unknown' } : 'continue'
  }
}

export const detect = defineFilter({
  name: 'detect',
  options,
  denyReasons: ['timeout', 'unknown'],
  use: Detect,
  needs: ownNeeds,
  check,
})

function ownNeeds({ onTimeout, onUnknown }: Options): Needs {
  return onTimeout === 'deny' || onUnknown === 'deny' ? 'protocol' : 'nothing'
}

function withheldOptions(
  settings: Options,
  listener: ListenerContext,
  upstreams: Upstreams,
): WithheldOptions | undefined {
  const own = ownNeeds(settings)
  const need = RANK[own] > RANK[listener.neededLater] ? own : listener.neededLater
  if (need === 'nothing') return undefined
  const silent = listener.silentDestination
  return {
    need,
    timeoutMs: settings.timeout,
    firstByteTimeoutMs: listener.firstByteTimeoutMs,
    dialsEarly: settings.earlyDial,
    isChoiceAhead: listener.neededLater !== 'nothing',
    ...(silent && { silent: { afterMs: silent.afterMs, destination: upstreams.resolve(silent.destination) } }),
  }
}

/** Detection is the core's own business: it needs the connection as the core drives it. */
function driver(connection: Connection): ProxiedConnection {
  if (connection instanceof ProxiedConnection) return connection
  throw new TypeError('detect runs in a chain of the core only')
}

function check({ protocols = [] }: Options, context: CheckContext): Finding[] {
  const twice = 'stands in this chain already: a connection is named once'
  if (context.before.includes('detect')) {
    return [{ severity: 'error', code: 'SLUICE_CONFIG_FILTER_ORDER', path: [], message: twice }]
  }
  return protocols.flatMap((protocol, index) => {
    if (context.protocols.includes(protocol)) return []
    const hint = context.suggest(protocol, context.protocols) || `There are ${context.protocols.join(', ')}.`
    return [
      {
        severity: 'error' as const,
        code: 'SLUICE_CONFIG_UNKNOWN_PROTOCOL',
        path: ['protocols', index],
        message: `no protocol "${protocol}". ${hint}`,
      },
    ]
  })
}
