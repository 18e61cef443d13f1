import 'reflect-metadata'
import { inject } from 'tsyringe'
import { z } from 'zod'
import { duration, size } from '../../core/config/scalars.js'
import type { Connection } from '../../core/connection.js'
import { detectWithheld, type TimeBudget, type WithheldOptions } from '../../core/detect-withheld.js'
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
import { chooseSniffers, type SnifferChoice } from '../../core/sniffer-choice.js'
import type { SnifferPlans } from '../../core/sniffer-plans.js'
import { LISTENER, OPTIONS, SNIFFER_PLANS, UPSTREAMS } from '../../core/tokens.js'
import type { Upstreams } from '../../core/upstreams.js'

const otherwise = z.enum(['continue', 'deny']).default('continue')

const sniffer = z.strictObject({
  enabled: z.boolean().default(true).describe('False: it is not asked.'),
  maxBytes: size({ minBytes: 1 })
    .optional()
    .describe(
      'Bytes of one side after which it has to be certain of the name: wanting more is a no. Default: its own.',
    ),
  timeout: duration({ minMs: 1 })
    .optional()
    .describe(
      'Where bytes are withheld: how long it may want more, from the first withheld byte on. Default: as long as all.',
    ),
  onTimeout: z
    .enum(['no-match', 'continue', 'deny'])
    .default('no-match')
    .describe(
      'What happens when it still wants more then: "no-match" goes on without it, "continue" carries the connection as opaque, "deny" resets it.',
    ),
})

const options = z.strictObject({
  protocols: z
    .array(z.string())
    .min(1)
    .optional()
    .describe('The protocols to look for; everything else is unknown. Default: all that there are.'),
  sniffers: z
    .record(z.string(), sniffer)
    .default({})
    .describe(
      'By protocol: `enabled: false` leaves its sniffer out; `maxBytes` and `timeout` bound what it may want; `onTimeout` says what comes of that.',
    ),
  timeout: duration({ minMs: 1 })
    .prefault('10s')
    .describe('Where bytes are withheld: the longest wait for the name, from the first withheld byte on.'),
  settle: duration({ minMs: 1 })
    .prefault('50ms')
    .describe(
      'Where bytes are withheld: how long a match waits for sniffers that are only asked before it. Programs write what is one message in one piece: a client that has said all waits for an answer.',
    ),
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
    this.#plan = plans.of(snifferChoice(settings))
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

  #verdict(connection: Connection, { outcome, protocol, waitedFor }: DetectionResult): Verdict<Reason> {
    connection.trace.note(protocol ?? outcome)
    if (outcome === 'detected') return 'continue'
    const { onTimeout } = (waitedFor !== undefined && this.#options.sniffers[waitedFor]) || this.#options
    if (outcome === 'timeout') return onTimeout === 'deny' ? { deny: 'timeout' } : 'continue'
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

function ownNeeds(settings: Options): Needs {
  const isDeniedLate = timeBudgets(settings).some(({ protocol }) => settings.sniffers[protocol]?.onTimeout === 'deny')
  const isDenied = isDeniedLate || settings.onTimeout === 'deny' || settings.onUnknown === 'deny'
  return isDenied ? 'protocol' : 'nothing'
}

/** Which sniffers the options choose. Recordings are named by the same. */
export function snifferChoice({ protocols, sniffers }: Pick<Options, 'protocols' | 'sniffers'>): SnifferChoice {
  const entries = Object.entries(sniffers)
  return {
    protocols,
    disabled: entries.filter(([, { enabled }]) => !enabled).map(([protocol]) => protocol),
    maxBytes: new Map(
      entries.flatMap(([protocol, { maxBytes }]) => (maxBytes === undefined ? [] : [[protocol, maxBytes]])),
    ),
  }
}

/** Those that end before the timeout of all. */
function timeBudgets({ sniffers, timeout }: Options): TimeBudget[] {
  return Object.entries(sniffers).flatMap(([protocol, own]): TimeBudget[] => {
    if (own.timeout === undefined || own.timeout >= timeout || !own.enabled) return []
    return [{ protocol, timeoutMs: own.timeout, then: own.onTimeout === 'no-match' ? 'go-on' : 'end' }]
  })
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
    settleMs: settings.settle,
    budgets: timeBudgets(settings),
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

function check(settings: Options, context: CheckContext): Finding[] {
  const twice = 'stands in this chain already: a connection is named once'
  if (context.before.includes('detect')) {
    return [{ severity: 'error', code: 'SLUICE_CONFIG_FILTER_ORDER', path: [], message: twice }]
  }
  const named = [
    ...(settings.protocols ?? []).map((protocol, index) => ({ protocol, path: ['protocols', index] })),
    ...Object.keys(settings.sniffers).map((protocol) => ({ protocol, path: ['sniffers', protocol] })),
  ]
  return [
    ...named.flatMap((one) => unknownProtocol(one, context)),
    ...withoutEffect(settings, context),
    ...nothingLeft(settings, context),
  ]
}

function unknownProtocol(
  { protocol, path }: { readonly protocol: string; readonly path: readonly (string | number)[] },
  context: CheckContext,
): Finding[] {
  if (context.protocols.includes(protocol)) return []
  const hint = context.suggest(protocol, context.protocols) || `There are ${context.protocols.join(', ')}.`
  const message = `no protocol "${protocol}". ${hint}`
  return [{ severity: 'error', code: 'SLUICE_CONFIG_UNKNOWN_PROTOCOL', path, message }]
}

/** Options of sniffers that are never asked, that bound nothing, or that say what comes of a bound that is not there. */
function withoutEffect({ protocols, sniffers, timeout }: Options, context: CheckContext): Finding[] {
  return Object.entries(sniffers).flatMap(([protocol, own]): Finding[] => {
    const warn = (path: readonly string[], message: string): Finding[] => [
      { severity: 'warning', code: 'SLUICE_CONFIG_NO_EFFECT', path: ['sniffers', protocol, ...path], message },
    ]
    if (protocols && !protocols.includes(protocol)) return warn([], `has no effect: "protocols" leaves ${protocol} out`)
    const options = (['maxBytes', 'timeout'] as const).filter((option) => own[option] !== undefined)
    if (!own.enabled) return options.flatMap((option) => warn([option], `has no effect: ${protocol} is turned off`))
    const wanted = context.sniffers.find((sniffer) => sniffer.protocol === protocol)?.maxBytes ?? Infinity
    const isUnbounded = own.timeout === undefined || own.timeout >= timeout
    return [
      ...(own.maxBytes !== undefined && own.maxBytes >= wanted
        ? warn(['maxBytes'], `has no effect: ${protocol} never needs more than ${wanted} bytes`)
        : []),
      ...(own.timeout !== undefined && isUnbounded
        ? warn(['timeout'], 'has no effect: detection as a whole ends before, or with it')
        : []),
      ...(own.timeout === undefined && own.onTimeout !== 'no-match'
        ? warn(['onTimeout'], `has no effect without a "timeout" of ${protocol}`)
        : []),
    ]
  })
}

function nothingLeft(settings: Options, { sniffers }: CheckContext): Finding[] {
  const choice = snifferChoice(settings)
  if (choice.disabled?.length === 0 || chooseSniffers(sniffers, choice).length > 0) return []
  const message = 'every protocol to look for is turned off: leave detect out of the chain instead'
  return [{ severity: 'error', code: 'SLUICE_CONFIG_INVALID_VALUE', path: ['sniffers'], message }]
}
