import type { CloseSummary } from '../core/close-summary.js'
import type { ConnectionSnapshot, Sluice } from '../sluice.js'
import type { Output } from './cli-io.js'
import { closedLine, closedRecord, decidedLine } from './connection-line.js'
import type { OutputFormat } from './output-format.js'

/** Writes a line for people when a connection is decided and one when it closes; or one JSON line when it closes. */
export class ConnectionOutput {
  readonly #output: Output
  readonly #format: OutputFormat
  readonly #listenerWidth: number

  constructor(output: Output, format: OutputFormat, listenerNames: readonly string[]) {
    this.#output = output
    this.#format = format
    this.#listenerWidth = Math.max(0, ...listenerNames.map((name) => name.length))
  }

  onDecided(connection: ConnectionSnapshot): void {
    if (this.#format === 'pretty') this.#output.write(decidedLine(connection, new Date(), this.#listenerWidth))
  }

  onClosed(summary: CloseSummary): void {
    if (this.#format === 'json') this.#output.write(closedRecord(summary, new Date()))
    // The line that said so was its last.
    else if (summary.denied === undefined) this.#output.write(closedLine(summary, new Date(), this.#listenerWidth))
  }
}

/** What an instance carried, for its last line. */
export class ConnectionTally {
  connections = 0
  denied = 0
  /** Reset by the stop, while they were open. */
  cut = 0

  constructor(sluice: Sluice) {
    sluice.on('closed', ({ reason }) => {
      this.connections++
      if (reason === 'denied') this.denied++
      if (reason === 'stopped') this.cut++
    })
  }
}
