import { HANDSHAKE_RECORD, type UpgradeScan } from './upgrade-scan.js'

/** How a protocol of binary messages is followed: by the first bytes of each. */
export interface MessageForm {
  /** Bytes of a message that are needed to read it: at least those that its whole length follows from. */
  readonly headBytes: number
  /** The whole length of a message that begins with `head` (at most `headBytes` bytes of it); undefined: it needs more, or is none. */
  lengthOf(head: Uint8Array): number | undefined
  /** Whether the message asks for TLS. `head` is all that is kept of it. */
  asksForTls(head: Uint8Array): boolean
  /** Only the first message may ask. */
  readonly isFirstOnly?: true
}

/** A protocol of binary messages, one of which asks for TLS. Messages are passed over by their lengths. */
export class MessageScan implements UpgradeScan {
  readonly #form: MessageForm
  readonly #head: Uint8Array
  #headLength = 0
  /** Of the message under way, behind what has been seen of it; undefined until its length is known. */
  #rest: number | undefined
  #messages = 0
  #isAsked = false
  isOver = false

  constructor(form: MessageForm) {
    this.#form = form
    this.#head = new Uint8Array(form.headBytes)
  }

  next(chunk: Uint8Array): number {
    for (let at = 0; at < chunk.length && !this.isOver;) {
      if (this.#headLength === 0 && this.#isAsked && chunk[at] === HANDSHAKE_RECORD) return at
      if (this.#headLength === 0 && this.#messages > 0 && this.#form.isFirstOnly) {
        this.isOver = true
        break
      }
      at += this.#take(chunk, at)
    }
    return -1
  }

  /** Bytes taken from `at` on: at least one. */
  #take(chunk: Uint8Array, at: number): number {
    const { headBytes } = this.#form
    let taken = 0
    if (this.#headLength < headBytes && (this.#rest === undefined || this.#rest > 0)) {
      this.#head[this.#headLength++] = chunk[at]!
      taken = 1
      if (this.#rest !== undefined) this.#rest--
      else this.#readLength()
    } else if (this.#rest !== undefined) {
      taken = Math.min(this.#rest, chunk.length - at)
      this.#rest -= taken
    }
    if (this.#rest === 0) this.#endMessage()
    return taken
  }

  #readLength(): void {
    const length = this.#form.lengthOf(this.#head.subarray(0, this.#headLength))
    if (length !== undefined && length >= this.#headLength) this.#rest = length - this.#headLength
    else if (this.#headLength === this.#form.headBytes) this.isOver = true
  }

  #endMessage(): void {
    this.#isAsked = this.#form.asksForTls(this.#head.subarray(0, this.#headLength))
    this.#messages++
    this.#headLength = 0
    this.#rest = undefined
  }
}
