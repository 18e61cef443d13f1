import { expect, test } from 'vitest'
import type { Sniff, Sniffer } from '../../src/core/sniffer.js'
import { checkSniffers } from '../../src/testing/check-sniffers.js'

function prefixSniffer(protocol: string, prefix: string, sample: string, more: Partial<Sniffer> = {}): Sniffer {
  const expected = Buffer.from(prefix, 'latin1')
  const client = (window: Uint8Array): Sniff => {
    for (let i = 0; i < expected.length; i++) {
      if (i === window.length) return 'need-more'
      if (window[i] !== expected[i]) return 'no-match'
    }
    return 'match'
  }
  return { protocol, maxBytes: expected.length, samples: { client: [sample] }, client, ...more }
}

const setLaw = (sniffers: readonly Sniffer[]) =>
  checkSniffers(sniffers).filter(({ law }) => law === 'segmentation-free')

test('finds nothing in a set without quarrels', () => {
  const set = [prefixSniffer('one', 'HELLO', 'HELLO 1\r\n'), prefixSniffer('two', 'HELP', 'HELP ME\r\n')]
  expect(checkSniffers(set)).toEqual([])
})

test('catches a later match that overtakes an earlier sniffer that still wants more', () => {
  const long = prefixSniffer('long', 'HELLO WORLD', 'HELLO WORLD\r\n')
  const short = prefixSniffer('short', 'HELLO', 'HELLO\r\n')
  expect(setLaw([long, short])).toMatchObject([
    { protocol: 'short', bytes: Buffer.from('HELLO WORLD\r\n').toString('hex') },
  ])
})

test('is content once the order of two that match the same bytes is declared', () => {
  const short = prefixSniffer('short', 'HELLO', 'HELLO\r\n')
  const long = prefixSniffer('long', 'HELLO WORLD', 'HELLO WORLD\r\n', { before: ['short'] })
  expect(checkSniffers([short, long])).toEqual([])
})

test('catches an earlier sniffer that leaves a whole sample of a later one waiting', () => {
  const long = prefixSniffer('long', 'HELLO WORLD', 'HELLO WORLD\r\n', { before: ['short'] })
  const short = prefixSniffer('short', 'HELLO', 'HELLO')
  expect(setLaw([short, long])).toMatchObject([{ protocol: 'long', expected: 'no-match', actual: 'need-more' }])
})

test('catches a sniffer whose answer depends on the cuts', () => {
  const whole = prefixSniffer('whole', 'HELLO', 'HELLO\r\n')
  const fickle: Sniffer = {
    ...whole,
    client: (window) => (window.length > 1 && window.length < 5 ? 'no-match' : whole.client!(window)),
  }
  expect(setLaw([fickle])).toMatchObject([{ protocol: 'whole', expected: 'whole', actual: 'unknown' }])
})

test('catches a sniffer that is never asked again, because it says no to a window of one byte', () => {
  const whole = prefixSniffer('whole', 'HELLO', 'HELLO\r\n')
  const hasty: Sniffer = {
    ...whole,
    client: (window) => (window.length === 1 ? 'no-match' : whole.client!(window)),
  }
  expect(setLaw([hasty])).toMatchObject([{ protocol: 'whole', expected: 'whole', actual: 'unknown', prefixLength: 7 }])
})

test('catches a circle in before', () => {
  const one = prefixSniffer('one', 'ONE', 'ONE', { before: ['two'] })
  const two = prefixSniffer('two', 'TWO', 'TWO', { before: ['one'] })
  expect(setLaw([one, two])).toMatchObject([{ protocol: 'two, one', actual: 'a circle' }])
})

test('passes on what is wrong with one of them alone', () => {
  const set = [prefixSniffer('one', 'ONE', 'ONE'), prefixSniffer('two', 'TWO', 'TWO', { maxBytes: 2 })]
  // Live, who wants more than its bound has said no: but only where TCP happens to cut there.
  expect(checkSniffers(set)).toMatchObject([
    { law: 'bounded', protocol: 'two' },
    { law: 'segmentation-free', protocol: 'two', expected: 'two', actual: 'unknown' },
  ])
  const nearMisses = { one: [{ from: 'client', bytes: 'ONLY', rejectedAt: 1 }] } as const
  expect(checkSniffers(set.slice(0, 1), { nearMisses })).toMatchObject([{ law: 'early', protocol: 'one' }])
})
