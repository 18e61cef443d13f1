import { expect, test } from 'vitest'
import { proxyProtocol } from '../../src/plugins/proxy-protocol.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const SIGNATURE = '\r\n\r\n\0\r\nQUIT\n'
const IPV4 = '\xc0\0\x02\x01\xc6\x33\x64\x02\xdc\x04\x01\xbb'
const FACTS = { source: '192.0.2.1:56324', destination: '198.51.100.2:443' }

describeSniffer(proxyProtocol, {
  matches: [
    {
      name: 'version 1 of IPv4',
      from: 'client',
      bytes: 'PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\nGET / HTTP/1.1\r\n',
      yesAfter: 45,
      facts: { version: 1, ...FACTS },
    },
    {
      name: 'version 1 of IPv6',
      from: 'client',
      bytes: 'PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n',
      yesAfter: 40,
      facts: { version: 1, source: '[2001:db8::1]:1', destination: '[2001:db8::2]:2' },
    },
    {
      name: 'version 1 of what is unknown',
      from: 'client',
      bytes: 'PROXY UNKNOWN\r\n',
      yesAfter: 15,
      facts: { version: 1 },
    },
    {
      name: 'version 2 of IPv4',
      from: 'client',
      bytes: `${SIGNATURE}\x21\x11\0\x0c${IPV4}SSH-2.0-`,
      yesAfter: 16,
      facts: { version: 2, ...FACTS },
    },
    {
      name: 'version 2 with a TLV',
      from: 'client',
      bytes: `${SIGNATURE}\x21\x11\0\x11${IPV4}\x01\0\x02h2`,
      yesAfter: 16,
      facts: { version: 2, ...FACTS },
    },
    { name: 'a health check', from: 'client', bytes: `${SIGNATURE}\x20\0\0\0`, yesAfter: 16, facts: { version: 2 } },
    { name: 'a header past the window', from: 'client', bytes: `${SIGNATURE}\x21\x11\xff\xff`, yesAfter: 16 },
    { name: 'a TLV that is cut off', from: 'client', bytes: `${SIGNATURE}\x21\x11\0\x0d${IPV4}\x01`, yesAfter: 16 },
  ],
  nearMisses: [
    { name: 'lower case', from: 'client', bytes: 'proxy TCP4', rejectedAt: 0 },
    { name: 'a tab', from: 'client', bytes: 'PROXY\tTCP4', rejectedAt: 5 },
    { name: 'a family of no one', from: 'client', bytes: 'PROXY TCP5 192.0.2.1', rejectedAt: 9 },
    { name: 'UDP', from: 'client', bytes: 'PROXY UDP4 192.0.2.1', rejectedAt: 7 },
    {
      name: 'an address that is none',
      from: 'client',
      bytes: 'PROXY TCP4 192.0.2.256 192.0.2.2 1 2\r\n',
      rejectedAt: 37,
    },
    { name: 'an address of the other family', from: 'client', bytes: 'PROXY TCP4 ::1 ::1 1 2\r\n', rejectedAt: 23 },
    { name: 'five fields', from: 'client', bytes: 'PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n', rejectedAt: 33 },
    {
      name: 'a port with a zero in front',
      from: 'client',
      bytes: 'PROXY TCP4 192.0.2.1 192.0.2.2 01 2\r\n',
      rejectedAt: 36,
    },
    { name: 'a line past its bound', from: 'client', bytes: `PROXY UNKNOWN ${'x'.repeat(100)}\r\n`, rejectedAt: 106 },
    { name: 'a signature with another byte', from: 'client', bytes: '\r\n\r\n\0\r\nQUIT\r\n', rejectedAt: 11 },
    { name: 'empty lines', from: 'client', bytes: '\r\n\r\nGET / HTTP/1.1\r\n', rejectedAt: 4 },
    { name: 'version 3', from: 'client', bytes: `${SIGNATURE}\x31\x11\0\x0c`, rejectedAt: 12 },
    { name: 'a command of no one', from: 'client', bytes: `${SIGNATURE}\x22\x11\0\x0c`, rejectedAt: 12 },
    { name: 'a family of no one, version 2', from: 'client', bytes: `${SIGNATURE}\x21\x41\0\x0c`, rejectedAt: 15 },
    { name: 'no room for the addresses', from: 'client', bytes: `${SIGNATURE}\x21\x11\0\x0b`, rejectedAt: 15 },
  ],
  otherProtocols: [
    { name: 'POST', from: 'client', bytes: 'POST / HTTP/1.1\r\n' },
    { name: 'PROXY as a method of HTTP', from: 'client', bytes: 'PROXY / HTTP/1.1\r\n' },
    { name: 'a PASS of IRC', from: 'client', bytes: 'PASS secret\r\n' },
  ],
})

test('is sure of version 2 with its fixed part, until the addresses are there', () => {
  const bytes = latin1(`${SIGNATURE}\x21\x11\0\x0c${IPV4}`)
  for (let length = 16; length < bytes.length; length++)
    expect(proxyProtocol.client!(bytes.subarray(0, length))).toBe('sure')
})
