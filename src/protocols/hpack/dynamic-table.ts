import type { HeaderField } from './header-field.js'

/** The fields that one side has added so far, RFC 7541 section 2.3.2: the newest has index 0. A ring: nothing moves. */
export class DynamicTable {
  #fields: (HeaderField | undefined)[] = new Array<HeaderField | undefined>(16)
  /** Where the newest one is. */
  #newest = 0
  #count = 0
  #bytes = 0
  #maxBytes: number

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  get count(): number {
    return this.#count
  }

  get bytes(): number {
    return this.#bytes
  }

  /** Undefined where there is none of that index. */
  at(index: number): HeaderField | undefined {
    if (index >= this.#count) return undefined
    return this.#fields[(this.#newest - index + this.#fields.length) & (this.#fields.length - 1)]
  }

  /** Makes room first; a field that is larger than the table empties it, and is not kept (section 4.4). */
  add(field: HeaderField): void {
    const { size } = field
    this.#evictDownTo(this.#maxBytes - size)
    if (size > this.#maxBytes) return
    if (this.#count === this.#fields.length) this.#grow()
    this.#newest = (this.#newest + 1) & (this.#fields.length - 1)
    this.#fields[this.#newest] = field
    this.#count++
    this.#bytes += size
  }

  /** Section 4.3. */
  resize(maxBytes: number): void {
    this.#maxBytes = maxBytes
    this.#evictDownTo(maxBytes)
  }

  #evictDownTo(bytes: number): void {
    while (this.#count > 0 && this.#bytes > bytes) {
      const oldest = (this.#newest - this.#count + 1 + this.#fields.length) & (this.#fields.length - 1)
      this.#bytes -= this.#fields[oldest]!.size
      this.#fields[oldest] = undefined
      this.#count--
    }
  }

  /** A power of two, so that an index wraps with a mask. */
  #grow(): void {
    const grown = new Array<HeaderField | undefined>(this.#fields.length * 2)
    for (let i = 0; i < this.#count; i++) grown[this.#count - 1 - i] = this.at(i)
    this.#newest = this.#count - 1
    this.#fields = grown
  }
}
