import type { Timer } from './clock.js'
import { CLIENT_WAS_SILENT, type PeekWindow } from './connection.js'
import { Detection, type SnifferPlan } from './detection.js'
import type { DetectionResult, DetectOutcome } from './detection-result.js'
import type { ProxiedConnection } from './proxied-connection.js'
import type { Side } from './side.js'
import type { UpstreamGroup } from './upstream-group.js'

/** How long one sniffer may make the others wait. */
export interface TimeBudget {
  readonly protocol: string
  /** From the first withheld byte, absolute. */
  readonly timeoutMs: number
  /** It is as if it had said no, and detection goes on without it; or detection ends as timed out. */
  readonly then: 'go-on' | 'end'
}

/** What a wait for the name is bounded by. */
export interface WithheldOptions {
  /** The name alone, or the name and its facts. */
  readonly need: 'protocol' | 'facts'
  /** From the first byte that is withheld, absolute. */
  readonly timeoutMs: number
  /**
   * How long a match waits for sniffers that happen to be asked before it, and could match with more bytes. A sniffer that says that
   * it wins over the match (`before`) is waited for as long as anybody.
   */
  readonly settleMs: number
  /** Sniffers that have less time than that. */
  readonly budgets: readonly TimeBudget[]
  /** For a client, and a server, that say nothing. */
  readonly firstByteTimeoutMs: number
  readonly dialsEarly: boolean
  /** A later filter may choose another destination: an early dial that fails does not end the connection then. */
  readonly isChoiceAhead: boolean
  /** A port has given the name: only its facts are waited for. */
  readonly named?: DetectionResult
  /** Where a client goes that has said nothing for so long, unless its server stays silent and it speaks after all. */
  readonly silent?: { readonly afterMs: number; readonly destination: UpstreamGroup }
}

/**
 * Withholds both sides until the name is there. The client is read first; one still silent after a poll of the event loop makes it
 * dial early, where there is a destination, so that the server's greeting can decide. Every wait is bounded.
 */
export function detectWithheld(
  connection: ProxiedConnection,
  plan: SnifferPlan,
  options: WithheldOptions,
): Promise<DetectionResult> {
  return new Promise((resolve) => new WithheldDetection(connection, plan, options, resolve))
}

class WithheldDetection {
  readonly #connection: ProxiedConnection
  readonly #plan: SnifferPlan
  readonly #options: WithheldOptions
  readonly #settle: (result: DetectionResult) => void
  readonly #detection: Detection
  /** Where the connection goes if no route is tried. */
  readonly #destination: UpstreamGroup | undefined
  #firstByteTimer: Timer | undefined
  #silenceTimer: Timer | undefined
  #timer: Timer | undefined
  #budgetTimers: Timer[] = []
  #standingTimer: Timer | undefined
  #isOver = false

  constructor(
    connection: ProxiedConnection,
    plan: SnifferPlan,
    options: WithheldOptions,
    settle: (result: DetectionResult) => void,
  ) {
    this.#connection = connection
    this.#plan = plan
    this.#options = options
    this.#settle = settle
    this.#detection = new Detection(plan, connection.lookedAt(plan, true))
    this.#destination = connection.destination
    connection.detecting = this
    connection.window('client').onChange = () => this.#clientChanged()
    if (connection.clientSpoke) this.#clientChanged()
    if (connection.serverWindow) this.#listenToServer()
    if (!this.#isOver && this.#isSilent) this.#waitForFirstByte()
  }

  /** The connection is over: what has been seen is all there is. */
  conclude(): void {
    this.#finish('ended')
  }

  get #isSilent(): boolean {
    return !this.#connection.clientSpoke && !this.#connection.serverSpoke
  }

  #waitForFirstByte(): void {
    const { clock } = this.#connection.environment.dial
    const { firstByteTimeoutMs, silent } = this.#options
    this.#firstByteTimer = clock.setTimer(firstByteTimeoutMs, () => this.#finish('timeout'))
    if (silent) this.#silenceTimer = clock.setTimer(silent.afterMs, () => this.#dialTentatively(silent.destination))
    if (this.#options.dialsEarly && this.#destination) clock.afterPoll(() => this.#dialEarly())
  }

  #dialEarly(): void {
    if (this.#isOver || this.#connection.isClosed || !this.#isSilent) return
    this.#connection.trace.add('detect', '', 'the client is silent: dialling early, so that the server can speak')
    const kind = this.#options.isChoiceAhead ? 'tentative' : 'early'
    this.#connection.dialEarly(kind, () => this.#dialled())
  }

  #dialTentatively(destination: UpstreamGroup): void {
    if (this.#isOver || this.#connection.isClosed || !this.#isSilent) return
    this.#connection.trace.add(
      'detect',
      '',
      `the client has been silent for ${this.#options.silent?.afterMs} ms: trying ${destination.label}`,
    )
    this.#connection.destination = destination
    this.#connection.set(CLIENT_WAS_SILENT, true)
    this.#connection.dialEarly('tentative', () => this.#dialled())
  }

  #dialled(): void {
    if (this.#isOver || this.#connection.isClosed) return
    const error = this.#connection.dialError
    if (this.#connection.serverWindow) this.#listenToServer()
    else if (error === undefined)
      this.#connection.trace.add('detect', '', 'without the server: its wire was needed elsewhere')
    else if (this.#isSilent && !this.#options.isChoiceAhead) this.#connection.connectFailed(error)
  }

  #listenToServer(): void {
    const window = this.#connection.window('server')
    window.onChange = () => this.#serverChanged()
    if (!window.isSilent) this.#serverChanged()
  }

  #clientChanged(): void {
    const window = this.#connection.window('client')
    // A client that speaks after all was only slow: its words choose, unless the tentative server has spoken.
    if (!this.#connection.serverSpoke && this.#connection.get(CLIENT_WAS_SILENT)) {
      this.#connection.destination = this.#destination
      this.#connection.set(CLIENT_WAS_SILENT, false)
    }
    if (window.bytes.length > 0) this.#begin()
    this.#look('client', window)
  }

  #serverChanged(): void {
    const window = this.#connection.window('server')
    if (window.bytes.length > 0) this.#begin()
    this.#look('server', window)
  }

  #look(side: Side, window: PeekWindow): void {
    this.#detection.look(side, window.bytes)
    if (this.#conclude()) return
    if (this.#detection.isNo(side)) return this.#finish('unknown')
    if (!window.ended && !window.full) return this.#holdStanding()
    this.#detection.settle(side)
    if (!this.#conclude()) this.#finish(window.full ? 'full' : 'ended')
  }

  /** A match that only waits for others gets its name after a moment, unless more bytes decide before. */
  #holdStanding(): void {
    if (!this.#detection.isStanding) return
    this.#standingTimer ??= this.#connection.environment.dial.clock.setTimer(this.#options.settleMs, () => {
      this.#standingTimer = undefined
      this.#detection.preferStanding()
      this.#conclude()
    })
  }

  /** The first withheld byte: from here on the detect timeout runs. */
  #begin(): void {
    if (this.#timer || this.#isOver) return
    this.#connection.noteFirstByte()
    this.#firstByteTimer?.cancel()
    this.#silenceTimer?.cancel()
    const { clock } = this.#connection.environment.dial
    this.#timer = clock.setTimer(this.#options.timeoutMs, () => this.#timedOut())
    this.#budgetTimers = this.#options.budgets.map((budget) =>
      clock.setTimer(budget.timeoutMs, () => this.#outOfBudget(budget)),
    )
  }

  /** One sniffer has had its time. */
  #outOfBudget({ protocol, then, timeoutMs }: TimeBudget): void {
    if (this.#isOver || !this.#detection.giveUp(protocol)) return
    this.#connection.trace.add('detect', '', `${protocol} wanted more after ${timeoutMs} ms`)
    if (then === 'end') return this.#finish('timeout', true, protocol)
    if (this.#conclude()) return
    for (const side of ['client', 'server'] as const) if (this.#detection.isNo(side)) return this.#finish('unknown')
  }

  #timedOut(): void {
    // The name is there and its facts are not, for which we waited: half a ClientHello that never ends.
    const isNamedOnly = this.#detection.protocol !== undefined
    this.#detection.settle('client')
    this.#detection.settle('server')
    this.#finish('timeout', isNamedOnly)
  }

  #conclude(): boolean {
    const isKnown = this.#options.need === 'facts' ? this.#detection.isComplete : this.#detection.protocol !== undefined
    if (isKnown) this.#finish('unknown')
    return isKnown
  }

  #finish(otherwise: Exclude<DetectOutcome, 'detected'>, isTimedOut = false, waitedFor?: string): void {
    if (this.#isOver) return
    this.#isOver = true
    this.#connection.detecting = undefined
    for (const timer of [
      this.#firstByteTimer,
      this.#silenceTimer,
      this.#timer,
      this.#standingTimer,
      ...this.#budgetTimers,
    ])
      timer?.cancel()
    for (const window of [this.#connection.clientWindow, this.#connection.serverWindow])
      if (window) window.onChange = undefined
    const found = this.#detection.result(otherwise)
    const { named } = this.#options
    const timedOut = isTimedOut ? { outcome: otherwise, ...(waitedFor !== undefined && { waitedFor }) } : {}
    const result = named ? { ...named, facts: found.facts } : { ...found, ...timedOut }
    if (named) this.#connection.learned(result)
    else this.#connection.decided(result)
    if (!named && result.outcome === 'detected' && !this.#detection.isComplete)
      this.#connection.detectBeside(this.#plan)
    this.#settle(result)
  }
}
