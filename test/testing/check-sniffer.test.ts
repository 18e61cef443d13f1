import { describe, expect, test } from 'vitest'
import type { Sniff, Sniffer } from '../../src/core/sniffer.js'
import { checkSniffer, type CheckSnifferOptions } from '../../src/testing/check-sniffer.js'
import type { Law } from '../../src/testing/violation.js'

const HELLO = Uint8Array.from('HELLO {', (character) => character.charCodeAt(0))

function startsWithHello(window: Uint8Array): Sniff {
  for (let i = 0; i < HELLO.length; i++) {
    if (i === window.length) return 'need-more'
    if (window[i] !== HELLO[i]) return 'no-match'
  }
  return 'match'
}

/** A sniffer of `HELLO {` that keeps all laws, but for what `faults` replaces. */
function sniffer(faults: Partial<Sniffer> = {}): Sniffer {
  return {
    protocol: 'hello',
    maxBytes: HELLO.length,
    samples: { client: ['HELLO {"v":2}\r\n'] },
    client: startsWithHello,
    ...faults,
  }
}

function brokenLaws(faults: Partial<Sniffer>, options?: CheckSnifferOptions): readonly Law[] {
  return checkSniffer(sniffer(faults), options).map(({ law }) => law)
}

test('finds nothing in a sniffer that keeps the laws', () => {
  const nearMisses = [
    { from: 'client', bytes: 'HELLO 3\r\n', rejectedAt: 6 },
    { from: 'client', bytes: 'HELP', rejectedAt: 3 },
  ] as const
  const other = sniffer({ protocol: 'other', samples: { client: ['OTHER'], server: ['HELLO {'] } })
  expect(checkSniffer(sniffer(), { nearMisses, others: [other] })).toEqual([])
})

describe('catches a sniffer that', () => {
  test('says no to a window that is only short', () => {
    const client = (window: Uint8Array): Sniff => (window.length < HELLO.length ? 'no-match' : startsWithHello(window))
    expect(brokenLaws({ client })).toContain('stable')
  })

  test('changes its mind', () => {
    const client = (window: Uint8Array): Sniff => (window.length > 10 ? 'no-match' : startsWithHello(window))
    expect(brokenLaws({ client })).toEqual(expect.arrayContaining(['recognises', 'stable']))
  })

  test('changes its facts', () => {
    const client = (window: Uint8Array): Sniff => {
      const verdict = startsWithHello(window)
      return verdict === 'match' ? { facts: { length: window.length } } : verdict
    }
    expect(brokenLaws({ client })).toEqual(['stable'])
  })

  test('is no longer sure', () => {
    const client = (window: Uint8Array): Sniff => {
      const verdict = startsWithHello(window)
      return verdict === 'match' && window.length < 12 ? 'sure' : verdict === 'match' ? 'no-match' : verdict
    }
    expect(brokenLaws({ client })).toEqual(expect.arrayContaining(['stable']))
  })

  test('throws on malformed bytes', () => {
    const client = (window: Uint8Array): Sniff => {
      if (window.length > 6 && window[6] === 0x41) throw new RangeError('no object')
      return startsWithHello(window)
    }
    const found = checkSniffer(sniffer({ client }), {
      nearMisses: [{ from: 'client', bytes: 'HELLO A', rejectedAt: 6 }],
    })
    expect(found.map(({ law }) => law)).toEqual(['total'])
    expect(found[0]!.message).toContain('RangeError: no object')
  })

  test.each<[string, Sniffer['whyNot'], Law[]]>([
    ['throws', () => { throw new Error('no words') }, ['total']], // prettier-ignore
    ['gives no phrase', () => '', ['total']],
    ['gives two lines', () => 'is no\nspace', ['total']],
    ['gives a phrase', () => 'is no space', []],
    ['gives nothing', () => undefined, []],
  ])('has a whyNot that %s', (_what, whyNot, laws) => {
    expect(brokenLaws({ whyNot }, { nearMisses: [{ from: 'client', bytes: 'HELP', rejectedAt: 3 }] })).toEqual(laws)
  })

  test('returns something else than a verdict', () => {
    const client = (window: Uint8Array) => (window.length === 3 ? undefined : startsWithHello(window)) as Sniff
    expect(brokenLaws({ client })).toEqual(['total'])
  })

  test('wants more for ever', () => {
    const client = (window: Uint8Array): Sniff => {
      const verdict = startsWithHello(window.subarray(0, 6))
      if (verdict !== 'need-more' || window.length < 6) return verdict
      const end = window.indexOf(0x0a)
      return end < 0 ? 'need-more' : end > 6 ? 'match' : 'no-match'
    }
    expect(brokenLaws({ client, maxBytes: 64 })).toEqual(['bounded'])
  })

  test('wants one byte more than it says', () => {
    expect(brokenLaws({ maxBytes: HELLO.length - 1 })).toEqual(['bounded'])
  })

  test('has no bound', () => {
    expect(brokenLaws({ maxBytes: Number.POSITIVE_INFINITY })).toEqual(['bounded'])
  })

  test('writes to the window', () => {
    const client = (window: Uint8Array): Sniff => {
      if (window.length > 0) window[0] = 0x68
      return startsWithHello(window)
    }
    expect(brokenLaws({ client })).toContain('pure')
  })

  test('goes on from the wrong place when it is told what it has seen', () => {
    const client = (window: Uint8Array, seen = 0): Sniff => {
      const verdict = startsWithHello(window.subarray(0, 6))
      if (verdict !== 'match' && window.length < 6) return verdict
      for (let i = Math.max(6, seen + 1); i < 64; i++) {
        if (i >= window.length) return 'need-more'
        if (window[i] === 0x7b) return 'match'
      }
      return 'no-match'
    }
    const samples = { client: ['HELLO {"v":2}\r\n', 'HELLO    {'] }
    const found = checkSniffer(sniffer({ client, maxBytes: 64, samples })).find(({ law }) => law === 'resumable')
    expect(found?.message).toMatch(/had seen \d+ bytes before/)
  })

  test('remembers', () => {
    let calls = 0
    const client = (window: Uint8Array): Sniff => (++calls % 7 === 0 ? 'no-match' : startsWithHello(window))
    expect(brokenLaws({ client }).some((law) => law === 'pure' || law === 'stable')).toBe(true)
  })

  test('does not recognise its own sample', () => {
    expect(brokenLaws({ samples: { client: ['HOLA {'] } })).toEqual(['recognises'])
  })

  test('has no sample of a side that it listens to', () => {
    expect(brokenLaws({ samples: {} })).toEqual(['recognises'])
  })

  test('has samples of a side that it does not listen to', () => {
    expect(brokenLaws({ samples: { client: ['HELLO {'], server: ['+HI'] } })).toEqual(['recognises'])
  })

  test('listens to nobody', () => {
    const found = checkSniffer({ protocol: 'nobody', maxBytes: 1, samples: {} })
    expect(found.map(({ law }) => law)).toEqual(['recognises'])
  })

  test('rejects a near miss too late', () => {
    const client = (window: Uint8Array): Sniff => (window.length < HELLO.length ? 'need-more' : startsWithHello(window))
    const found = checkSniffer(sniffer({ client }), {
      nearMisses: [{ from: 'client', bytes: 'HELP ME', rejectedAt: 3 }],
    })
    expect(found).toMatchObject([
      { law: 'early', side: 'client', prefixLength: 4, expected: 'no-match', actual: 'need-more' },
    ])
  })

  test('rejects a near miss before its offset, or never', () => {
    const early = { from: 'client', bytes: 'HELP', rejectedAt: 2 } as const
    const never = { from: 'client', bytes: 'HELL', rejectedAt: 9 } as const
    const found = checkSniffer(sniffer(), { nearMisses: [early, { ...early, rejectedAt: 3 }, never] })
    expect(found.map(({ law, bytes }) => [law, bytes])).toEqual([
      ['early', '48454c50'],
      ['early', '48454c4c'],
    ])
  })

  test('takes the sample of another for its own', () => {
    const other = sniffer({ protocol: 'other', samples: { client: ['HELLO {}'] } })
    expect(brokenLaws({}, { others: [other] })).toEqual(['early'])
    expect(brokenLaws({ before: ['other'] }, { others: [other] })).toEqual([])
  })

  test('leaves the sample of another waiting', () => {
    const other = sniffer({ protocol: 'other', samples: { client: ['HELL'] } })
    expect(brokenLaws({}, { others: [other] })).toEqual(['early'])
  })

  test('takes any bytes', () => {
    expect(brokenLaws({ client: (window) => (window.length < 4 ? 'need-more' : 'match') })).toContain('early')
  })
})

test('says in a violation what it takes to see it again', () => {
  const client = (window: Uint8Array): Sniff => (window.length > 8 ? 'no-match' : startsWithHello(window))
  const found = checkSniffer(sniffer({ client }), { seed: 77 })
  const stable = found.find(({ law }) => law === 'stable')!
  expect(stable).toMatchObject({
    protocol: 'hello',
    side: 'client',
    bytes: Buffer.from('HELLO {"v":2}\r\n').toString('hex'),
    prefixLength: 9,
    expected: 'match',
    actual: 'no-match',
    seed: 77,
  })
  expect(stable.message).toContain('window of 9 bytes: 48454c4c4f207b2276 "HELLO {\\"v"')
  expect(stable.message).toContain('seed 77')
})

test('finds the same with the same seed', () => {
  const client = (window: Uint8Array): Sniff => (window.includes(0xee) ? 'need-more' : startsWithHello(window))
  const find = (seed: number) => checkSniffer(sniffer({ client }), { seed })
  expect(find(5)).toEqual(find(5))
  expect(find(5)).not.toEqual([])
})
