import { openvpn } from '../../src/plugins/openvpn.js'
import { describeSniffer } from './describe-sniffer.js'

const ID = '\0\0\0\x01'
const TIME = '\x65\0\0\0'
const CLIENT = '\0\0\0\0\0'
const SERVER = '\x01\0\0\0\0sessionA\0\0\0\0'
const hmac = (bytes: number) => 'h'.repeat(bytes)

describeSniffer(openvpn, {
  matches: [
    { name: 'a client', from: 'client', bytes: `\0\x0e\x38sessionA${CLIENT}`, yesAfter: 16 },
    {
      name: 'a client under tls-auth, SHA-1',
      from: 'client',
      bytes: `\0\x2a\x38sessionA${hmac(20)}${ID}${TIME}${CLIENT}`,
      yesAfter: 44,
    },
    {
      name: 'a client under tls-auth, SHA-256',
      from: 'client',
      bytes: `\0\x36\x38sessionA${hmac(32)}${ID}${TIME}${CLIENT}`,
      yesAfter: 56,
    },
    {
      name: 'a client under tls-auth, SHA-512',
      from: 'client',
      bytes: `\0\x56\x38sessionA${hmac(64)}${ID}${TIME}${CLIENT}`,
      yesAfter: 88,
    },
    {
      name: 'a client under tls-crypt',
      from: 'client',
      bytes: `\0\x36\x38sessionA${ID}${TIME}${hmac(37)}`,
      yesAfter: 15,
    },
    {
      name: 'a client under tls-crypt-v2',
      from: 'client',
      bytes: `\x01\x61\x50sessionA\x0f\0\0\x01${TIME}${hmac(37)}`,
      yesAfter: 15,
    },
    {
      name: 'an older client under tls-crypt-v2',
      from: 'client',
      bytes: `\x01\x61\x50sessionA${ID}${TIME}${hmac(37)}`,
      yesAfter: 15,
    },
    { name: 'a server', from: 'server', bytes: `\0\x1a\x40sessionB${SERVER}`, yesAfter: 16 },
    {
      name: 'a server under tls-auth, SHA-1',
      from: 'server',
      bytes: `\0\x36\x40sessionB${hmac(20)}${ID}${TIME}${SERVER}`,
      yesAfter: 44,
    },
    {
      name: 'a server under tls-crypt',
      from: 'server',
      bytes: `\0\x42\x40sessionB${ID}${TIME}${hmac(49)}`,
      yesAfter: 15,
    },
  ],
  nearMisses: [
    { name: 'a length of far too much', from: 'client', bytes: '\x05\x0e\x38', rejectedAt: 0 },
    { name: 'a length that no reset has', from: 'client', bytes: '\0\x0f\x38', rejectedAt: 2 },
    { name: 'a long reset of version 2', from: 'client', bytes: '\x01\x0e\x38', rejectedAt: 2 },
    { name: 'a short reset of version 3', from: 'client', bytes: '\0\x61\x50', rejectedAt: 2 },
    { name: 'another key id', from: 'client', bytes: '\0\x0e\x39', rejectedAt: 2 },
    { name: 'the reset of a server', from: 'client', bytes: '\0\x0e\x40', rejectedAt: 2 },
    { name: 'a control packet', from: 'client', bytes: '\0\x0e\x20', rejectedAt: 2 },
    { name: 'an acknowledgement', from: 'client', bytes: '\0\x0e\x38sessionA\x01', rejectedAt: 11 },
    { name: 'another packet', from: 'client', bytes: '\0\x0e\x38sessionA\0\0\0\0\x01', rejectedAt: 15 },
    {
      name: 'a second protected packet',
      from: 'client',
      bytes: `\0\x2a\x38sessionA${hmac(20)}\0\0\0\x02`,
      rejectedAt: 34,
    },
    {
      name: 'an acknowledgement under tls-auth',
      from: 'client',
      bytes: `\0\x2a\x38sessionA${hmac(20)}${ID}${TIME}\x01`,
      rejectedAt: 39,
    },
    { name: 'version 3 with another mark', from: 'client', bytes: '\x01\x61\x50sessionA\x01', rejectedAt: 11 },
    {
      name: 'version 3 with another packet',
      from: 'client',
      bytes: '\x01\x61\x50sessionA\x0f\0\0\x02',
      rejectedAt: 14,
    },
    { name: 'a length of a kilobyte', from: 'server', bytes: '\x04\x1a\x40', rejectedAt: 0 },
    { name: 'no acknowledgement', from: 'server', bytes: '\0\x1a\x40sessionB\0', rejectedAt: 11 },
  ],
  otherProtocols: [
    { name: 'DNS', from: 'client', bytes: '\0\x1c\x38\x01\x01\0\0\x01\0\0\0\0\0\0\x07example\0\0\x01\0\x01' },
    { name: 'STUN', from: 'client', bytes: '\0\x01\0\0\x21\x12\xa4\x42' },
    { name: 'Kafka', from: 'client', bytes: '\0\0\0\x2a\0\x12\0\0' },
    { name: 'PPTP', from: 'client', bytes: '\0\x9c\0\x01\x1a\x2b\x3c\x4d' },
  ],
})
