import { expect, test } from 'vitest'
import { tls } from '../../src/plugins/tls.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const [plain, named, sslv2] = tls.samples.client as readonly [string, string, string]
const [serverHello, alert] = tls.samples.server as readonly [string, string]

/** A hello in the format of SSL 2.0: cipher specs of 3 bytes each. */
function v2Hello(version: string, cipherSpecs: number, sessionId: number, challenge: number): string {
  const length = 9 + 3 * cipherSpecs + sessionId + challenge
  const u16 = (value: number) => String.fromCharCode(value >> 8, value & 255)
  const rest = '\0\0\x2f'.repeat(cipherSpecs) + 'S'.repeat(sessionId) + 'C'.repeat(challenge)
  return `${u16(0x8000 | length)}\x01${version}${u16(3 * cipherSpecs)}${u16(sessionId)}${u16(challenge)}${rest}`
}

describeSniffer(tls, {
  matches: [
    {
      name: 'a hello without extensions',
      from: 'client',
      bytes: plain,
      yesAfter: 6,
      facts: { version: 'TLSv1.2', ja4: 't12i010000_0f2cb44170f4_000000000000' },
    },
    {
      name: 'SNI, ALPN and an outer encrypted hello',
      from: 'client',
      bytes: named,
      yesAfter: 6,
      facts: {
        sni: 'shop.example',
        alpn: ['h2'],
        version: 'TLSv1.2',
        ja4: 't12d0103h2_0f2cb44170f4_57e012f5680b',
        ech: true,
      },
    },
    { name: 'the format of SSL 2.0', from: 'client', bytes: sslv2, yesAfter: 11, facts: { version: 'TLSv1' } },
    {
      name: 'SSL 2.0 itself, with a session',
      from: 'client',
      bytes: v2Hello('\0\x02', 7, 16, 16),
      yesAfter: 11,
      facts: { version: 'SSLv2' },
    },
    {
      name: 'SSL 3.0 in the format of SSL 2.0',
      from: 'client',
      bytes: v2Hello('\x03\0', 13, 0, 32),
      yesAfter: 11,
      facts: { version: 'SSLv3' },
    },
    {
      name: 'TLS 1.2 and a hundred cipher specs in the format of SSL 2.0',
      from: 'client',
      bytes: v2Hello('\x03\x03', 100, 0, 32),
      yesAfter: 11,
      facts: { version: 'TLSv1.2' },
    },
    { name: 'a ServerHello', from: 'server', bytes: serverHello, yesAfter: 11 },
    {
      name: 'a ServerHello with its certificates',
      from: 'server',
      bytes: '\x16\x03\x01\x0a\xbc\x02\0\0\x4d\x03\x01',
      yesAfter: 11,
    },
    { name: 'an alert', from: 'server', bytes: alert, yesAfter: 7 },
    { name: 'a warning about the name', from: 'server', bytes: '\x15\x03\x03\0\x02\x01\x70', yesAfter: 7 },
  ],
  nearMisses: [
    { name: 'an alert', from: 'client', bytes: '\x15\x03\x03\0\x02\x02\x28', rejectedAt: 0 },
    { name: 'application data', from: 'client', bytes: '\x17\x03\x03\0\x20', rejectedAt: 0 },
    { name: 'another major version', from: 'client', bytes: '\x16\x02\0\0\x40\x01', rejectedAt: 1 },
    { name: 'a minor version of no one', from: 'client', bytes: '\x16\x03\x05\0\x40\x01', rejectedAt: 2 },
    { name: 'a record above its bound', from: 'client', bytes: '\x16\x03\x01\x41\0\x01', rejectedAt: 3 },
    { name: 'an empty record', from: 'client', bytes: '\x16\x03\x01\0\0\x01', rejectedAt: 4 },
    { name: 'the hello of a server', from: 'client', bytes: '\x16\x03\x03\0\x40\x02', rejectedAt: 5 },
    { name: 'SSL 2.0 with a long message', from: 'client', bytes: '\x84\x1c\x01\x03\x01', rejectedAt: 0 },
    { name: 'SSL 2.0 with a short message', from: 'client', bytes: '\x80\x1b\x01\x03\x01', rejectedAt: 1 },
    { name: 'SSL 2.0 with another message', from: 'client', bytes: '\x80\x2e\x04\x03\x01', rejectedAt: 2 },
    { name: 'SSL 2.0 of major version 2', from: 'client', bytes: '\x80\x2e\x01\x02\0', rejectedAt: 3 },
    { name: 'SSL 2.0 of version 3.4', from: 'client', bytes: '\x80\x2e\x01\x03\x04', rejectedAt: 4 },
    { name: 'SSL 2.0 of version 0.3', from: 'client', bytes: '\x80\x2e\x01\0\x03', rejectedAt: 4 },
    { name: 'SSL 2.0 with far too many specs', from: 'client', bytes: '\x80\x2e\x01\x03\x01\x04', rejectedAt: 5 },
    { name: 'SSL 2.0 with a third of a spec', from: 'client', bytes: '\x80\x2e\x01\x03\x01\0\x04', rejectedAt: 6 },
    { name: 'SSL 2.0 without specs', from: 'client', bytes: '\x80\x2e\x01\x03\x01\0\0', rejectedAt: 6 },
    { name: 'SSL 2.0 with a long session id', from: 'client', bytes: '\x80\x2e\x01\x03\x01\0\x03\x01', rejectedAt: 7 },
    {
      name: 'SSL 2.0 with half a session id',
      from: 'client',
      bytes: '\x80\x2e\x01\x03\x01\0\x03\0\x08',
      rejectedAt: 8,
    },
    {
      name: 'SSL 2.0 with a long challenge',
      from: 'client',
      bytes: '\x80\x2e\x01\x03\x01\0\x03\0\0\x01',
      rejectedAt: 9,
    },
    {
      name: 'SSL 2.0 with a short challenge',
      from: 'client',
      bytes: '\x80\x1c\x01\x03\x01\0\x03\0\0\0\x0f',
      rejectedAt: 10,
    },
    {
      name: 'SSL 2.0 whose lengths do not add up',
      from: 'client',
      bytes: '\x80\x1d\x01\x03\x01\0\x03\0\0\0\x10',
      rejectedAt: 10,
    },
    { name: 'application data', from: 'server', bytes: '\x17\x03\x03\0\x20', rejectedAt: 0 },
    { name: 'a major version of no one', from: 'server', bytes: '\x16\x02\x01', rejectedAt: 1 },
    { name: 'a minor version of no one', from: 'server', bytes: '\x16\x03\x05', rejectedAt: 2 },
    { name: 'a record above its bound', from: 'server', bytes: '\x16\x03\x03\x41', rejectedAt: 3 },
    { name: 'a record without room for a hello', from: 'server', bytes: '\x16\x03\x03\0\x29', rejectedAt: 4 },
    { name: 'a ClientHello', from: 'server', bytes: '\x16\x03\x03\0\x2a\x01', rejectedAt: 5 },
    { name: 'a message above its bound', from: 'server', bytes: '\x16\x03\x03\0\x2a\x02\x01', rejectedAt: 6 },
    { name: 'a message too short', from: 'server', bytes: '\x16\x03\x03\0\x2a\x02\0\0\x25', rejectedAt: 8 },
    {
      name: 'a version of no one in the hello',
      from: 'server',
      bytes: '\x16\x03\x03\0\x2a\x02\0\0\x26\x02',
      rejectedAt: 9,
    },
    {
      name: 'a version in the hello that only records have',
      from: 'server',
      bytes: '\x16\x03\x03\0\x2a\x02\0\0\x26\x03\x04',
      rejectedAt: 10,
    },
    { name: 'an alert of 256 bytes', from: 'server', bytes: '\x15\x03\x03\x01', rejectedAt: 3 },
    { name: 'an alert of three bytes', from: 'server', bytes: '\x15\x03\x03\0\x03', rejectedAt: 4 },
    { name: 'an alert of level 3', from: 'server', bytes: '\x15\x03\x03\0\x02\x03', rejectedAt: 5 },
    { name: 'an alert of no one', from: 'server', bytes: '\x15\x03\x03\0\x02\x02\xff', rejectedAt: 6 },
  ],
  otherProtocols: [
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n' },
    { name: 'RDP', from: 'client', bytes: '\x03\0\0\x13\x0e\xe0' },
    { name: 'SSH', from: 'client', bytes: 'SSH-2.0-x\r\n' },
    { name: 'strict Thrift', from: 'client', bytes: '\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0' },
    { name: 'framed binary memcached', from: 'client', bytes: '\x80\0\0\x03\0\0\0\0\0\0\0\x03\0\0\0\0' },
    { name: 'an ONC RPC fragment', from: 'client', bytes: '\x80\0\0\x28\x12\x34\x56\x78\0\0\0\0\0\0\0\x02' },
    { name: 'an SMTP greeting', from: 'server', bytes: '220 mail.example ESMTP\r\n' },
  ],
})

test('reads no more of an SSL 2.0 hello than decides', () => {
  const bytes = latin1(v2Hello('\x03\x01', 15, 0, 16))
  const verdict = tls.client!(bytes.subarray(0, 11))
  expect(verdict).toEqual({ facts: { version: 'TLSv1' } })
  expect(tls.client!(bytes)).toEqual(verdict)
})
