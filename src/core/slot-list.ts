/** Something that knows where in its list it stands. */
export interface Slotted {
  /** Index in the list, set by it. -1: in none. */
  slot: number
}

/**
 * A bag of items that come and go all the time. Not a Set: one leaves a dead table behind every few dozen deletions, and once such a
 * table has been promoted, all that stood in it survives until the next full collection (measured: half of the memory of short
 * connections, 15 to 30 ms a scavenge instead of 0.3).
 */
export class SlotList<T extends Slotted> {
  readonly #items: T[] = []

  get size(): number {
    return this.#items.length
  }

  add(item: T): void {
    item.slot = this.#items.push(item) - 1
  }

  /** Does nothing for an item that is not in the list. */
  remove(item: T): void {
    const { slot } = item
    if (this.#items[slot] !== item) return
    const last = this.#items.pop()!
    if (last !== item) {
      this.#items[slot] = last
      last.slot = slot
    }
    item.slot = -1
  }

  /** A copy: items may leave while it is walked. */
  list(): T[] {
    return [...this.#items]
  }
}
