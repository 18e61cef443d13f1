import type { Cell } from '../core/metrics.js'

const OTHER = 'other'

/** The values that one label has had: the first so many as they are, all further ones `other`, which is counted. */
export class LabelValues {
  readonly #max: number
  readonly #overflow: Cell
  readonly #values = new Set<string>()

  constructor(max: number, overflow: Cell) {
    this.#max = max
    this.#overflow = overflow
  }

  of(value: string): string {
    if (this.#values.has(value)) return value
    if (this.#values.size < this.#max) {
      this.#values.add(value)
      return value
    }
    this.#overflow.value++
    return OTHER
  }
}
