/** gRPC over HTTP/2, "Length-Prefixed-Message": compressed flag(1) length(4, big-endian; of what follows). */
const PREFIX_BYTES = 5

/** Counts the messages of one direction of a call, in content that comes in pieces. Only prefixes are looked at. */
export class GrpcMessages {
  count = 0
  /** Bytes of a prefix that are there. */
  #have = 0
  #length = 0
  /** Of the message under way, not yet there. */
  #remaining = 0

  see(chunk: Uint8Array, start: number, end: number): void {
    for (let at = start; at < end;) {
      if (this.#remaining > 0) {
        const taken = Math.min(this.#remaining, end - at)
        this.#remaining -= taken
        at += taken
        if (this.#remaining === 0) this.count++
        continue
      }
      if (this.#have > 0) this.#length = this.#length * 256 + chunk[at]!
      at++
      if (++this.#have < PREFIX_BYTES) continue
      this.#remaining = this.#length
      this.#have = 0
      this.#length = 0
      if (this.#remaining === 0) this.count++
    }
  }
}
