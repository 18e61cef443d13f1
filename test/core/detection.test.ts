import { describe, expect, test } from 'vitest'
import { Detection, SnifferPlan } from '../../src/core/detection.js'
import type { Sniff, Sniffer } from '../../src/core/sniffer.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'

/** Matches `text` at the client's beginning; wants more until it is all there. */
function says(protocol: string, text: string, match: Sniff = 'match'): Sniffer {
  return {
    protocol,
    maxBytes: text.length,
    samples: { client: [text] },
    client(window) {
      for (let i = 0; i < text.length; i++) {
        if (i === window.length) return 'need-more'
        if (window[i] !== text.charCodeAt(i)) return 'no-match'
      }
      return match
    },
  }
}

const plan = (...sniffers: Sniffer[]) =>
  new SnifferPlan(sniffers, (_sniffer, error) => expect.unreachable(String(error)))
const bytes = (text: string) => Buffer.from(text, 'latin1')

/** Shows the client's bytes one by one, as a live window grows. */
function show(detection: Detection, text: string): void {
  for (let length = 1; length <= text.length; length++) detection.look('client', bytes(text.slice(0, length)))
}

describe('detection', () => {
  test('waits for an earlier sniffer that still wants more, and lets it win', () => {
    const detection = new Detection(plan(says('long', 'abcd'), says('short', 'ab')))
    show(detection, 'abc')
    expect(detection.protocol).toBeUndefined()
    show(detection, 'abcd')
    expect(detection.protocol).toBe('long')
  })

  test('takes the match that stands when the earlier one says no', () => {
    const detection = new Detection(plan(says('long', 'abcd'), says('short', 'ab')))
    show(detection, 'abcx')
    expect(detection.result('unknown')).toMatchObject({ outcome: 'detected', protocol: 'short', bytes: { client: 4 } })
  })

  test('takes the match that stands when no more bytes will come', () => {
    const detection = new Detection(plan(says('long', 'abcd'), says('short', 'ab')))
    show(detection, 'abc')
    detection.settle('client')
    expect(detection.result('timeout')).toMatchObject({ outcome: 'detected', protocol: 'short' })
  })

  test('is over when every sniffer has said no, and only for that side', () => {
    const detection = new Detection(
      plan(says('a', 'abcd'), { ...says('b', ''), client: undefined, server: () => 'match' }),
    )
    show(detection, 'abx')
    expect(detection.isNo('client')).toBe(true)
    expect(detection.isNo('server')).toBe(false)
    detection.look('server', bytes('x'))
    expect(detection.result('unknown')).toMatchObject({ protocol: 'b', decidedBy: 'server' })
  })

  test('keeps the name of the side that gave it first', () => {
    const detection = new Detection(
      plan({ ...says('c', 'c'), server: undefined }, { ...says('s', 's'), client: undefined, server: () => 'match' }),
    )
    detection.look('server', bytes('hello'))
    show(detection, 'c')
    expect(detection.result('unknown')).toMatchObject({ protocol: 's', decidedBy: 'server' })
  })

  test('has the name before the facts where a sniffer is sure', () => {
    const sniffer: Sniffer = {
      ...says('f', ''),
      maxBytes: 1,
      client: (window) => (window.length < 3 ? 'sure' : { facts: { length: window.length } }),
    }
    const detection = new Detection(plan(sniffer))
    show(detection, 'ab')
    expect([detection.protocol, detection.isComplete]).toEqual(['f', false])
    show(detection, 'abc')
    expect(detection.isComplete).toBe(true)
    expect(detection.result('unknown').facts).toEqual({ length: 3 })
  })

  test('takes the vote from a sniffer that throws, and goes on with the others', () => {
    const failed: string[] = []
    const throws: Sniffer = {
      ...says('throws', 'ab'),
      client() {
        throw new Error('a bug in a sniffer')
      },
    }
    const detection = new Detection(
      new SnifferPlan([throws, says('fine', 'ab')], (sniffer) => failed.push(sniffer.protocol)),
    )
    show(detection, 'ab')
    expect(detection.protocol).toBe('fine')
    expect(failed).toEqual(['throws'])
  })

  test.each([
    ['yes', '"yes"'],
    [null, 'null'],
    [Promise.resolve('match'), 'object'],
    [{ facts: null }, 'object'],
    [{ facts: { version: 8n } }, 'bigint'],
    [{ facts: { names: ['a', 1] } }, 'object'],
  ])('takes the vote from a sniffer that answers with what is no verdict: %#', (answer, kind) => {
    const failed: string[] = []
    const odd: Sniffer = { ...says('odd', 'ab'), client: () => answer as never }
    const all = new SnifferPlan([odd, says('fine', 'ab')], (_, error) => failed.push((error as Error).message))
    const detection = new Detection(all)
    show(detection, 'ab')
    expect(detection.result('unknown')).toMatchObject({ protocol: 'fine', facts: {} })
    expect(failed).toEqual([expect.stringContaining(kind)])
  })

  test('bounds a sniffer that wants more than its own bound', () => {
    const greedy: Sniffer = { ...says('greedy', 'ab'), client: () => 'need-more' }
    const detection = new Detection(plan(greedy))
    show(detection, 'a')
    expect(detection.isNo('client')).toBe(false)
    show(detection, 'ab')
    expect(detection.isNo('client')).toBe(true)
  })

  test('says the same however TCP cut the bytes: every sample of every built-in sniffer', () => {
    const all = plan(...builtInSniffers)
    for (const { protocol, samples } of builtInSniffers) {
      for (const side of ['client', 'server'] as const) {
        for (const sample of samples[side] ?? []) {
          const whole = typeof sample === 'string' ? bytes(sample) : Buffer.from(sample)
          const atOnce = new Detection(all)
          atOnce.look(side, whole)
          expect(atOnce.protocol).toBe(protocol)
          const oneByOne = new Detection(all)
          for (let length = 1; length <= whole.length; length++) oneByOne.look(side, whole.subarray(0, length))
          expect(oneByOne.protocol).toBe(protocol)
          expect(oneByOne.result('unknown').facts).toEqual(atOnce.result('unknown').facts)
        }
      }
    }
  })
})
