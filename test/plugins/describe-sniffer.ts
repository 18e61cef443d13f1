import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Side } from '../../src/core/side.js'
import type { Bytes, Facts, Sniff, Sniffer } from '../../src/core/sniffer.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { checkSniffer, type NearMiss } from '../../src/testing/check-sniffer.js'

/** Bytes that must be recognised: at the `yesAfter`th byte for the first time, and as a whole with these facts. */
interface Match {
  readonly name: string
  readonly from: Side
  readonly bytes: Bytes
  readonly yesAfter: number
  readonly facts?: Facts
}

interface Tables {
  readonly matches: readonly Match[]
  readonly nearMisses: readonly (NearMiss & { readonly name: string })[]
  /** Said no to by their end. */
  readonly otherProtocols: readonly { readonly name: string; readonly from: Side; readonly bytes: Bytes }[]
}

/** The tests that every sniffer has: three tables, and the laws. */
export function describeSniffer(sniffer: Sniffer, { matches, nearMisses, otherProtocols }: Tables): void {
  describe(sniffer.protocol, () => {
    test.each(matches)('recognises $name, from the $from', ({ from, bytes, yesAfter, facts }) => {
      const input = latin1(bytes)
      for (let length = 0; length <= input.length; length++) {
        const verdict = sniffer[from]!(input.subarray(0, length))
        if (length < yesAfter) expect(verdict, `after ${length} bytes`).toBe('need-more')
        else expect(isYes(verdict), `after ${length} bytes`).toBe(true)
      }
      const whole = sniffer[from]!(input)
      if (facts === undefined) expect(whole).toBe('match')
      else expect(whole).toEqual({ facts })
    })

    test('has at least five near misses', () => {
      expect(nearMisses.length).toBeGreaterThanOrEqual(5)
    })

    test.each(nearMisses)('rejects $name, from the $from, at byte $rejectedAt', ({ from, bytes, rejectedAt }) => {
      const input = latin1(bytes)
      for (let length = 0; length <= input.length; length++) {
        const verdict = sniffer[from]!(input.subarray(0, length))
        expect(verdict, `after ${length} bytes`).toBe(length > rejectedAt ? 'no-match' : 'need-more')
      }
    })

    test.each(otherProtocols)('says no to $name, from the $from', ({ from, bytes }) => {
      expect(sniffer[from]!(latin1(bytes))).toBe('no-match')
    })

    test('keeps the laws of a sniffer', () => {
      const others = builtInSniffers.filter((other) => other !== sniffer)
      expect(checkSniffer(sniffer, { nearMisses, others }).map(({ message }) => message)).toEqual([])
    })

    test.each(sidesOf(sniffer))('is total, stable and bounded for any bytes from the %s', (side) => {
      const seeds = [...matches, ...nearMisses].filter(({ from }) => from === side).map(({ bytes }) => latin1(bytes))
      const head = fc.constantFrom(...seeds).chain((bytes) => fc.nat(bytes.length).map((at) => bytes.subarray(0, at)))
      const input = fc.tuple(head, fc.uint8Array({ maxLength: 40 }))
      fc.assert(fc.property(input, ([start, rest]) => expectLawful(sniffer, side, Uint8Array.of(...start, ...rest))))
    })
  })
}

export function latin1(bytes: Bytes): Uint8Array {
  return typeof bytes === 'string' ? Uint8Array.from(Buffer.from(bytes, 'latin1')) : bytes
}

function expectLawful(sniffer: Sniffer, side: Side, bytes: Uint8Array): void {
  let before: Sniff = 'need-more'
  for (let length = 0; length <= bytes.length; length++) {
    const verdict = sniffer[side]!(bytes.subarray(0, length))
    if (before === 'sure') expect(isYes(verdict)).toBe(true)
    else if (before !== 'need-more') expect(verdict).toEqual(before)
    if (length >= sniffer.maxBytes) expect(verdict).not.toBe('need-more')
    before = verdict
  }
}

function isYes(verdict: Sniff): boolean {
  return verdict !== 'need-more' && verdict !== 'no-match'
}

function sidesOf(sniffer: Sniffer): readonly Side[] {
  return (['client', 'server'] as const).filter((side) => sniffer[side] !== undefined)
}
