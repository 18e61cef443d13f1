import { expect, test } from 'vitest'
import { rdp } from '../../src/plugins/rdp.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

/** TPKT and an X.224 connection request around what is given. */
function request(rest: string, { code = '\xe0' } = {}): string {
  const length = 11 + rest.length
  return `\x03\0\0${String.fromCharCode(length, length - 5)}${code}\0\0\0\0\0${rest}`
}
const COOKIE = request('Cookie: mstshash=alice\r\n')
const NEGOTIATION = request('\x01\0\x08\0\x03\0\0\0')

describeSniffer(rdp, {
  matches: [
    { name: 'a cookie', from: 'client', bytes: COOKIE, yesAfter: 23, facts: { user: 'alice' } },
    {
      name: 'a cookie and a negotiation',
      from: 'client',
      bytes: request('Cookie: mstshash=EXAMPLE\\al\r\n\x01\0\x08\0\x0b\0\0\0'),
      yesAfter: 23,
      facts: { user: 'EXAMPLE\\al' },
    },
    { name: 'an empty cookie', from: 'client', bytes: request('Cookie: mstshash=\r\n'), yesAfter: 23 },
    { name: 'a cookie with a control', from: 'client', bytes: request('Cookie: mstshash=a\tb\r\n'), yesAfter: 23 },
    {
      name: 'a cookie that does not end',
      from: 'client',
      bytes: request(`Cookie: mstshash=${'a'.repeat(140)}`),
      yesAfter: 23,
    },
    {
      name: 'a cookie of a balancer',
      from: 'client',
      bytes: request('Cookie: msts=3640205228.15629.0000\r\n'),
      yesAfter: 23,
    },
    {
      name: 'a routing token',
      from: 'client',
      bytes: request('tsv://MS Terminal Services Plugin.1.Wortell\r\n'),
      yesAfter: 17,
    },
    { name: 'a negotiation', from: 'client', bytes: NEGOTIATION, yesAfter: 19 },
    {
      name: 'a correlation id',
      from: 'client',
      bytes: request(`\x01\x08\x08\0\x03\0\0\0\x06\0\x24\0${'a'.repeat(32)}`),
      yesAfter: 19,
    },
    {
      name: 'a response',
      from: 'server',
      bytes: '\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x02\x1f\x08\0\x02\0\0\0',
      yesAfter: 19,
    },
    {
      name: 'a failure',
      from: 'server',
      bytes: '\x03\0\0\x13\x0e\xd0\0\0\x12\x34\0\x03\0\x08\0\x05\0\0\0',
      yesAfter: 19,
    },
  ],
  nearMisses: [
    { name: 'another TPKT version', from: 'client', bytes: `\x02${COOKIE.slice(1)}`, rejectedAt: 0 },
    { name: 'a reserved byte', from: 'client', bytes: `\x03\x01${COOKIE.slice(2)}`, rejectedAt: 1 },
    { name: 'nothing but a request, as ISO-on-TCP has it too', from: 'client', bytes: request(''), rejectedAt: 3 },
    { name: 'a packet past what X.224 can have', from: 'client', bytes: '\x03\0\x01\x04\xff\xe0', rejectedAt: 3 },
    { name: 'a length that is not that of the packet', from: 'client', bytes: '\x03\0\0\x13\x0f\xe0', rejectedAt: 4 },
    {
      name: 'data in place of a request',
      from: 'client',
      bytes: request('Cookie: msts', { code: '\xf0' }),
      rejectedAt: 5,
    },
    { name: 'another class', from: 'client', bytes: '\x03\0\0\x13\x0e\xe0\0\0\0\0\x20\x01', rejectedAt: 10 },
    {
      name: 'parameters of S7',
      from: 'client',
      bytes: request('\xc1\x02\x01\0\xc2\x02\x01\x02\xc0\x01\x0a'),
      rejectedAt: 11,
    },
    {
      name: 'parameters of MMS',
      from: 'client',
      bytes: request('\xc0\x01\x0a\xc1\x02\0\x01\xc2\x02\0\x01'),
      rejectedAt: 11,
    },
    { name: 'another cookie', from: 'client', bytes: request('Cookie: session=1\r\n'), rejectedAt: 19 },
    { name: 'another token', from: 'client', bytes: request('tsp://example\r\n'), rejectedAt: 13 },
    { name: 'a negotiation of nine bytes', from: 'client', bytes: request('\x01\0\x09\0\x03\0\0\0'), rejectedAt: 13 },
    { name: 'protocols that there are not', from: 'client', bytes: request('\x01\0\x08\0\x20\0\0\0'), rejectedAt: 15 },
    { name: 'protocols big-endian', from: 'client', bytes: request('\x01\0\x08\0\0\0\0\x03'), rejectedAt: 18 },
    {
      name: 'something behind the negotiation',
      from: 'client',
      bytes: request('\x01\0\x08\0\x03\0\0\0\0'),
      rejectedAt: 11,
    },
    {
      name: 'a confirm from the client',
      from: 'client',
      bytes: request('\x01\0\x08\0\x03\0\0\0', { code: '\xd0' }),
      rejectedAt: 5,
    },
    {
      name: 'a confirm of ISO-on-TCP',
      from: 'server',
      bytes: '\x03\0\0\x16\x11\xd0\0\x07\0\x03\0\xc0\x01\x0a',
      rejectedAt: 3,
    },
    { name: 'a request from the server', from: 'server', bytes: NEGOTIATION, rejectedAt: 5 },
    {
      name: 'a confirm without a negotiation',
      from: 'server',
      bytes: '\x03\0\0\x0b\x06\xd0\0\0\x12\x34\0',
      rejectedAt: 3,
    },
  ],
  otherProtocols: [
    { name: 'H.323', from: 'client', bytes: '\x03\0\x01\x5d\x08\x02\x1e\xf6\x05\xa1\x04' },
    { name: 'H.245', from: 'server', bytes: '\x03\0\0\x1c\x02\x30\x01\x06' },
    { name: 'MySQL', from: 'server', bytes: '\x03\0\0\0\x0a5' },
  ],
})

test('is sure of a cookie until its name is there', () => {
  const bytes = latin1(COOKIE)
  const whole = COOKIE.indexOf('\r') + 1
  for (let length = 23; length < whole; length++) expect(rdp.client!(bytes.subarray(0, length))).toBe('sure')
  expect(rdp.client!(bytes.subarray(0, whole))).toEqual({ facts: { user: 'alice' } })
})
