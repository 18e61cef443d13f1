import { describe, expect, test } from 'vitest'
import { SnifferPlan } from '../../src/core/detection.js'
import { stepsWithLooks } from '../../src/core/explain-looks.js'
import { LookedAt } from '../../src/core/looked-at.js'
import type { Side } from '../../src/core/side.js'
import type { Sniff, Sniffer } from '../../src/core/sniffer.js'
import { type Vote, votesOn } from '../../src/core/votes.js'
import { http1 } from '../../src/plugins/http1.js'
import { ssh } from '../../src/plugins/ssh.js'
import { tls } from '../../src/plugins/tls.js'

const bytes = (text: string): Uint8Array => Buffer.from(text, 'latin1')

/** Nobody may be accused while votes are only told. */
const plan = (...sniffers: Sniffer[]) => new SnifferPlan(sniffers, () => expect.unreachable('a vote was counted'))

/** The one vote of one sniffer. */
function vote(sniffer: Sniffer, side: Side, text: string): Vote {
  const [only, ...more] = votesOn(plan(sniffer), side, bytes(text))
  expect(more).toEqual([])
  return only!
}

/** Wants two bytes of the set, then one more of anything. */
function pair(set: (byte: number) => boolean, parts: Partial<Sniffer> = {}): Sniffer {
  const client = (window: Uint8Array): Sniff => {
    if ([...window.subarray(0, 2)].some((byte) => !set(byte))) return 'no-match'
    return window.length < 3 ? 'need-more' : 'match'
  }
  return { protocol: 'pair', maxBytes: 3, samples: { client: ['aaa'] }, client, ...parts }
}

const PAST_BOUND = 'is past the 8192 bytes that a line with such a method or target may have'

describe('a no comes with its reason', () => {
  test.each([
    ['\x16', 0, '0x16 is no token character'],
    ['1ET', 0, '"1" is no letter, with which a method begins'],
    ['\r\r', 1, '0x0d is no line feed'],
    ['\n\n\n\n\n', 4, '0x0a begins more than 4 empty lines'],
    ['GE\x00', 2, '0x00 is no token character'],
    ['A'.repeat(33), 32, '"A" makes the method longer than 32 characters'],
    ['GET  /', 4, '0x20 begins no request target'],
    ['GET /\x01', 5, '0x01 is no character of a request target'],
    ['CONNECT a/b', 9, '"/" is no character of a request target'],
    ['GET / RTSP/1.0', 6, '"R" does not spell "HTTP/1." and a digit'],
    ['GET / HTTP/1.x', 13, '"x" does not spell "HTTP/1." and a digit'],
    [`get /${'a'.repeat(8200)}`, 8191, `"a" ${PAST_BOUND}`],
    [`get /${'a'.repeat(8184)} HTTP/1.1`, 8191, `"T" ${PAST_BOUND}`],
    [`get /${'a'.repeat(8186)} HTTP/1.1`, 8191, `0x20 ${PAST_BOUND}`],
    [`get /${'a'.repeat(8179)} HTTP/1.1`, 8191, `"." ${PAST_BOUND}`],
    [`CONNECT ${'a'.repeat(8200)}`, 8191, `"a" ${PAST_BOUND}`],
    [`GET /${'a'.repeat(8186)}\r\n`, 8191, '0x0d is no character of a request target'],
    [`GET /${'a'.repeat(8184)} HX`, 8191, '"X" does not spell "HTTP/1." and a digit'],
  ])('of http/1, of what a client says: %j', (text, at, reason) => {
    expect(vote(http1, 'client', text)).toMatchObject({ verdict: 'no-match', afterBytes: at + 1, reason })
  })

  test.each([
    ['SSH', 0, '"S" does not spell "HTTP/1."'],
    ['HTTP/1.x', 7, '"x" is no digit of a version'],
    ['HTTP/1.1x', 8, '"x" is no space before a status code'],
  ])('of http/1, of what a server says: %j', (text, at, reason) => {
    expect(vote(http1, 'server', text)).toMatchObject({ verdict: 'no-match', afterBytes: at + 1, reason })
  })

  test.each([
    ['GET', 0, '"G" is no handshake record (22)'],
    ['\x16\x02', 1, '0x02 is no major version 3'],
    ['\x16\x03\x05', 2, '0x05 is no minor version from 0 to 4'],
    ['\x16\x03\x01\xff', 3, '0xff makes no length of a record, 1 to 16384'],
    ['\x16\x03\x01\x00\x00', 4, '0x00 makes no length of a record, 1 to 16384'],
    ['\x16\x03\x01\x00\x05\x02', 5, '0x02 is no ClientHello (1)'],
  ])('of tls: %j', (text, at, reason) => {
    expect(vote(tls, 'client', text)).toMatchObject({ verdict: 'no-match', afterBytes: at + 1, reason })
  })

  test.each<[string, (byte: number) => boolean, string]>([
    ['one byte', (byte) => byte === 0x61, '"b" is not "a"'],
    ['two bytes', (byte) => byte === 0x61 || byte === 0x63, '"b" is not "a" or "c"'],
    ['ranges', (byte) => (byte >= 0x30 && byte <= 0x39) || byte < 2, '"b" is not 0x00 or 0x01 or "0" to "9"'],
    ['many', (byte) => byte % 2 === 1, '"b" is none of the 128 bytes that could stand here'],
  ])('found by trying, where the sniffer has no words for it: %s', (_what, set, reason) => {
    expect(vote(pair(set), 'client', 'b')).toMatchObject({ afterBytes: 1, reason })
  })

  test('that says when no byte would have done', () => {
    const greedy = { ...pair(() => true), maxBytes: 2 }
    expect(vote(greedy, 'client', 'ab')).toMatchObject({
      verdict: 'no-match',
      reason: '"b" comes too late: nothing in its place makes it pair',
    })
  })

  test('that steers no terminal, however the sniffer puts it', () => {
    const whyNot = () => `is\n\u001b[31mred ${'x'.repeat(200)}`
    const { reason } = vote(
      pair((byte) => byte === 0x61, { whyNot }),
      'client',
      'b',
    )
    expect(reason).toMatch(/^"b" is \?\[31mred x+\.\.\.$/)
    expect(reason!.length).toBeLessThan(120)
  })

  test.each([
    ['throws', () => { throw new Error('no words') }], // prettier-ignore
    ['says nothing', () => undefined],
    ['gives a number', () => 7 as never],
    ['writes to the window', (window: Uint8Array) => { window.fill(0); return '' }], // prettier-ignore
  ])('also where a sniffer that should have words for it %s', (_what, whyNot) => {
    const given = bytes('b')
    const sniffer = pair((byte) => byte === 0x61, { whyNot })
    expect(votesOn(plan(sniffer), 'client', given)[0]!.reason).toBe('"b" is not "a"')
    expect(given).toEqual(bytes('b'))
  })
})

describe('telling votes', () => {
  test('counts no sniffer that fails: it says so in its place', () => {
    const throws: Sniffer = {
      ...pair(() => true),
      client() {
        throw new Error('a bug')
      },
    }
    expect(votesOn(plan(throws, ssh), 'client', bytes('SSH-2.0-x'))).toEqual([
      { protocol: 'pair', side: 'client', verdict: 'failed', afterBytes: 9, reason: 'a bug' },
      expect.objectContaining({ protocol: 'ssh', verdict: 'sure' }),
    ])
  })

  test('says of a vote that came after the bytes that are kept that it is not known', () => {
    const slow: Sniffer = { ...pair(() => true), maxBytes: 100, client: (w) => (w.length < 50 ? 'need-more' : 'match') }
    const looked = new LookedAt(plan(slow), 8, { elapsedMs: 0, stepCount: 0 }, false)
    looked.look('client', bytes('x'.repeat(50)))
    expect(votesOn(looked.plan, 'client', looked.client!.bytes, looked.client!.size)).toEqual([
      { protocol: 'pair', side: 'client', verdict: 'need-more', afterBytes: 8, isCut: true },
    ])
    expect(stepsWithLooks([], looked)).toMatchObject([
      { step: 'client', note: '50 bytes, passed on: pair wanted more after the 8 that are kept' },
    ])
  })
})
