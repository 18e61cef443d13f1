import { tds } from '../../src/plugins/tds.js'
import { describeSniffer } from './describe-sniffer.js'

const PRELOGIN = '\x12\x01\0\x2f\0\0\x01\0\0\0\x1a\0\x06\x01\0\x20\0\x01'
const LOGIN = '\x10\x01\0\x90\0\0\x01\0\x88\0\0\0'

describeSniffer(tds, {
  matches: [
    { name: 'PRELOGIN', from: 'client', bytes: PRELOGIN, yesAfter: 13 },
    {
      name: 'PRELOGIN as packet 0',
      from: 'client',
      bytes: PRELOGIN.replace('\x01\0\0\0\x1a', '\0\0\0\0\x1a'),
      yesAfter: 13,
    },
    { name: 'LOGIN7 of 7.4', from: 'client', bytes: `${LOGIN}\x04\0\0\x74\0\x10`, yesAfter: 16 },
    { name: 'LOGIN7 of 7.1', from: 'client', bytes: `${LOGIN}\x01\0\0\x71\0\x10`, yesAfter: 16 },
    { name: 'LOGIN7 of 7.0', from: 'client', bytes: `${LOGIN}\0\0\0\x70\0\x10`, yesAfter: 16 },
    {
      name: 'LOGIN7 in several packets',
      from: 'client',
      bytes: '\x10\0\x10\0\0\0\x01\0\x34\x12\0\0\x04\0\0\x74',
      yesAfter: 16,
    },
  ],
  nearMisses: [
    { name: 'another type', from: 'client', bytes: `\x11${PRELOGIN.slice(1)}`, rejectedAt: 0 },
    { name: 'another status', from: 'client', bytes: `\x12\x08${PRELOGIN.slice(2)}`, rejectedAt: 1 },
    { name: 'a packet past 4096 bytes', from: 'client', bytes: '\x12\x01\x10\x01\0\0', rejectedAt: 3 },
    { name: 'a packet without an option', from: 'client', bytes: '\x12\x01\0\x13\0\0', rejectedAt: 3 },
    { name: 'a process', from: 'client', bytes: '\x12\x01\0\x2f\x01\0', rejectedAt: 4 },
    { name: 'a window', from: 'client', bytes: '\x12\x01\0\x2f\0\0\x01\x01', rejectedAt: 7 },
    {
      name: 'an option before the version',
      from: 'client',
      bytes: '\x12\x01\0\x2f\0\0\x01\0\x01\0\x1a\0\x06',
      rejectedAt: 8,
    },
    { name: 'a version in the list', from: 'client', bytes: '\x12\x01\0\x2f\0\0\x01\0\0\0\x05\0\x06', rejectedAt: 10 },
    {
      name: 'a version past the packet',
      from: 'client',
      bytes: '\x12\x01\0\x2f\0\0\x01\0\0\0\x22\0\x06',
      rejectedAt: 10,
    },
    {
      name: 'a version of four bytes',
      from: 'client',
      bytes: '\x12\x01\0\x2f\0\0\x01\0\0\0\x1a\0\x04',
      rejectedAt: 12,
    },
    { name: 'a login that is too small', from: 'client', bytes: '\x10\x01\0\x60\0\0', rejectedAt: 3 },
    { name: 'a login of another length', from: 'client', bytes: '\x10\x01\0\x90\0\0\x01\0\x89\0\0\0', rejectedAt: 11 },
    { name: 'an unknown version', from: 'client', bytes: `${LOGIN}\x04\0\0\x75`, rejectedAt: 15 },
    {
      name: 'a login that ends in its packet',
      from: 'client',
      bytes: '\x10\0\x10\0\0\0\x01\0\xf8\x0f\0\0',
      rejectedAt: 11,
    },
  ],
  otherProtocols: [
    { name: 'MQTT', from: 'client', bytes: '\x10\x11\0\x04MQTT\x04\x02\0\x3c\0\x05hello' },
    { name: 'a login of TDS 5.0', from: 'client', bytes: '\x02\0\x02\0\0\0\0\0server' },
    { name: 'TLS', from: 'client', bytes: '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03' },
  ],
})
