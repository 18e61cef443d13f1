import type { Timer } from './clock.js'
import type { Filter, Verdict } from './filter.js'
import type { ProxiedConnection } from './proxied-connection.js'

/** One filter in its place. */
export interface ChainStep {
  readonly name: string
  readonly filter: Filter
  /** Reasons that may be a metric label; others count as `other`. */
  readonly denyReasons: ReadonlySet<string>
  /** A promise that has not settled by then denies the connection. */
  readonly verdictTimeoutMs: number
}

/** A deny reason that was not declared would be an unbounded label. */
const UNDECLARED = 'other'

/** The driver's own reason, of any filter. */
const VERDICT_TIMEOUT = 'verdict-timeout'

/** Runs the filters in order until one decides. Creates no promise for a filter that answers synchronously. */
export class Chain {
  readonly steps: readonly ChainStep[]

  constructor(steps: readonly ChainStep[]) {
    this.steps = steps
  }

  /** Filters from the one at `from` on. */
  run(connection: ProxiedConnection, from = 0): void {
    for (let i = from; i < this.steps.length; i++) {
      if (connection.isClosed) return
      const step = this.steps[i]!
      connection.currentFilter = step.name
      let verdict: Verdict | Promise<Verdict>
      try {
        verdict = step.filter.onConnection(connection)
        if (!isPromise(verdict)) assertVerdict(verdict, i === this.steps.length - 1)
      } catch (error) {
        connection.failed(error, step.name)
        return
      }
      if (isPromise(verdict)) {
        this.#wait(connection, i, verdict)
        return
      }
      if (this.#apply(connection, step, verdict) !== 'continue') return
    }
  }

  #wait(connection: ProxiedConnection, index: number, promise: Promise<Verdict>): void {
    const step = this.steps[index]!
    let isSettled = false
    const timer: Timer = connection.environment.dial.clock.setTimer(step.verdictTimeoutMs, () => {
      isSettled = true
      connection.denyBy(step.name, VERDICT_TIMEOUT)
    })
    const settle = (act: () => void): void => {
      timer.cancel()
      if (isSettled || connection.isClosed) return
      isSettled = true
      act()
    }
    connection.onClose(() => timer.cancel())
    // A stranger's thenable may throw, or settle twice: of those only a promise of our own is to be relied on.
    Promise.resolve(promise).then(
      (verdict) => settle(() => this.#go(connection, index, verdict)),
      (error: unknown) => settle(() => connection.failed(error, step.name)),
    )
  }

  /** A verdict that was waited for. */
  #go(connection: ProxiedConnection, index: number, verdict: Verdict): void {
    const step = this.steps[index]!
    try {
      assertVerdict(verdict, index === this.steps.length - 1)
    } catch (error) {
      connection.failed(error, step.name)
      return
    }
    if (this.#apply(connection, step, verdict) === 'continue') this.run(connection, index + 1)
  }

  #apply(connection: ProxiedConnection, step: ChainStep, verdict: Verdict): Verdict {
    if (typeof verdict === 'object') {
      connection.trace.verdict(step.name, `deny: ${verdict.deny}`)
      connection.denyBy(step.name, verdict.deny)
    } else {
      connection.trace.verdict(step.name, verdict)
    }
    return verdict
  }

  /** The reason as a metric label. */
  label(filter: string, reason: string): string {
    if (reason === VERDICT_TIMEOUT) return reason
    const step = this.steps.find(({ name }) => name === filter)
    return step?.denyReasons.has(reason) ? reason : UNDECLARED
  }
}

function isPromise(verdict: Verdict | Promise<Verdict>): verdict is Promise<Verdict> {
  return typeof verdict === 'object' && verdict !== null && 'then' in verdict
}

/** Types do not reach a plugin in JavaScript: a forgotten return must not leave a connection hanging. */
function assertVerdict(verdict: unknown, isLast: boolean): void {
  const isDenial =
    typeof verdict === 'object' && verdict !== null && 'deny' in verdict && typeof verdict.deny === 'string'
  if (verdict === 'handled' || isDenial || (verdict === 'continue' && !isLast)) return
  const expected = isLast
    ? "'handled' or { deny: reason }, since it is the last filter"
    : "'continue', 'handled' or { deny: reason }"
  throw new TypeError(
    `the verdict must be ${expected}, got ${typeof verdict === 'string' ? `'${verdict}'` : String(verdict)}`,
  )
}
