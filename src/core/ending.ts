import type { CloseReason, CloseSummary, SummaryDraft } from './close-summary.js'
import type { Log } from './log.js'

type OnClose = (summary: CloseSummary) => void

/** How one connection ends: why, who closed it, and who hears of it. It begins with the reason and is over with the summary. */
export class Ending {
  readonly #log: Log
  #reason: CloseReason | undefined
  #closedBy: CloseSummary['closedBy'] | undefined
  #details: Pick<CloseSummary, 'denied' | 'error'> | undefined
  #summary: CloseSummary | undefined
  #callbacks: OnClose[] | undefined
  #abort: AbortController | undefined
  #isOver = false

  constructor(log: Log) {
    this.#log = log
  }

  /** There is a reason to end: wires may still be open, and nothing new is to be begun. */
  get hasReason(): boolean {
    return this.#reason !== undefined
  }

  /** Both wires are closed. */
  get isOver(): boolean {
    return this.#isOver
  }

  /** Aborts when both wires are closed. Made when first asked for. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController()
    if (this.#isOver) this.#abort.abort()
    return this.#abort.signal
  }

  /** A side has said all it had: the first one to do so has closed the connection, if nothing else ends it. */
  sideEnded(side: 'client' | 'server'): void {
    this.#closedBy ??= side
  }

  /** At most once. Without `closedBy`: the side that ended first, else the proxy. */
  begin(
    reason: CloseReason,
    closedBy: CloseSummary['closedBy'] = this.#closedBy ?? 'proxy',
    details?: Pick<CloseSummary, 'denied' | 'error'>,
  ): void {
    this.#reason = reason
    this.#closedBy = closedBy
    this.#details = details
  }

  describe(summary: SummaryDraft): void {
    summary.closedBy = this.#closedBy ?? 'proxy'
    summary.reason = this.#reason ?? 'end'
    Object.assign(summary, this.#details)
  }

  /** Calls back with the summary, at once where it is there. */
  onClose(callback: OnClose): void {
    if (this.#summary) {
      this.#tell(callback, this.#summary)
      return
    }
    this.#callbacks ??= []
    this.#callbacks.push(callback)
  }

  /** Both wires are closed. The summary follows in this turn. */
  wiresClosed(): void {
    this.#isOver = true
  }

  summarized(summary: CloseSummary): void {
    this.#summary = summary
  }

  /** Tells those who wait for the end; `summarized` has been called. */
  tellAll(): void {
    for (const callback of this.#callbacks ?? []) this.#tell(callback, this.#summary!)
    this.#abort?.abort()
  }

  #tell(callback: OnClose, summary: CloseSummary): void {
    try {
      callback(summary)
    } catch (error) {
      this.#log.error({ connection: summary.connection, err: error }, 'an onClose callback threw')
    }
  }
}
