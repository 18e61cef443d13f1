import { LF } from '../ascii.js'
import { HANDSHAKE_RECORD, type UpgradeScan } from './upgrade-scan.js'

/** No command that asks for TLS is longer, an IMAP tag of usual length before it included. */
const MAX_LINE_BYTES = 64

/** A protocol of command lines, one of which asks for TLS. */
export class LineScan implements UpgradeScan {
  readonly #asksForTls: (line: string) => boolean
  readonly #line = new Uint8Array(MAX_LINE_BYTES)
  /** Of the line under way; what exceeds the bound is counted and not kept. */
  #length = 0
  #isAsked = false
  readonly isOver = false

  /** `asksForTls` gets a line in upper case, without its end. */
  constructor(asksForTls: (line: string) => boolean) {
    this.#asksForTls = asksForTls
  }

  next(chunk: Uint8Array): number {
    for (let i = 0; i < chunk.length; i++) {
      const byte = chunk[i]!
      if (this.#length === 0 && this.#isAsked && byte === HANDSHAKE_RECORD) return i
      if (byte === LF) this.#endLine()
      else if (this.#length++ < MAX_LINE_BYTES) this.#line[this.#length - 1] = byte
    }
    return -1
  }

  #endLine(): void {
    const length = this.#length
    this.#length = 0
    if (length > MAX_LINE_BYTES) return
    this.#isAsked ||= this.#asksForTls(
      String.fromCharCode(...this.#line.subarray(0, length))
        .trimEnd()
        .toUpperCase(),
    )
  }
}
