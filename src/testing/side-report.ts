import type { Side } from '../core/side.js'
import type { Sniff, Sniffer } from '../core/sniffer.js'
import { askSniffer } from './ask-sniffer.js'
import { type Law, type Violation, violation } from './violation.js'

/** Asks one sniffer about one side, and keeps what laws it breaks. */
export class SideReport {
  readonly found: Violation[] = []
  readonly #sniffer: Sniffer
  readonly #side: Side
  readonly #seed: number
  readonly #broken = new Set<Law>()

  constructor(sniffer: Sniffer, side: Side, seed: number) {
    this.#sniffer = sniffer
    this.#side = side
    this.#seed = seed
  }

  /** The verdict, or undefined where there is none: that is reported. */
  ask(bytes: Uint8Array, length: number, seen = 0): Sniff | undefined {
    const answer = askSniffer(this.#sniffer, this.#side, bytes, length, seen)
    if ('verdict' in answer) return answer.verdict
    const law = answer.fault === 'wrote' ? 'pure' : 'total'
    this.add(law, bytes, length, 'a verdict', `${answer.fault} ${answer.detail}`, `it ${answer.fault} ${answer.detail}`)
    return undefined
  }

  /** Of a sniffer that says why it says no: a phrase on one line, and nothing else. */
  checkWhyNot(bytes: Uint8Array, length: number): void {
    if (this.#sniffer.whyNot === undefined) return
    let words: unknown
    try {
      words = this.#sniffer.whyNot(Uint8Array.from(bytes.subarray(0, length)), this.#side)
    } catch (error) {
      return this.add('total', bytes, length, 'a phrase', `threw ${String(error)}`, 'its whyNot threw')
    }
    if (words === undefined || (typeof words === 'string' && /^[\x20-\x7e]+$/.test(words))) return
    const what = 'its whyNot must give a phrase of printable ASCII, or undefined'
    this.add(
      'total',
      bytes,
      length,
      'a phrase',
      typeof words === 'string' ? JSON.stringify(words) : `a value of type ${typeof words}`,
      what,
    )
  }

  /** The first of each law is enough: a broken sniffer breaks it in a thousand ways. */
  add(law: Law, bytes: Uint8Array, prefixLength: number, expected: string, actual: string, what: string): void {
    if (this.#broken.has(law)) return
    this.#broken.add(law)
    this.addEach(law, bytes, prefixLength, expected, actual, what)
  }

  /** Also where the law has been broken before. */
  addEach(law: Law, bytes: Uint8Array, prefixLength: number, expected: string, actual: string, what: string): void {
    const { protocol } = this.#sniffer
    const of = { law, protocol, side: this.#side, seed: this.#seed }
    this.found.push(violation({ ...of, bytes: Uint8Array.from(bytes), prefixLength, expected, actual, what }))
  }
}
