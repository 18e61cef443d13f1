import { http2 } from '../../src/plugins/http2.js'
import { describeSniffer } from './describe-sniffer.js'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

describeSniffer(http2, {
  matches: [
    { name: 'the preface', from: 'client', bytes: PREFACE, yesAfter: 24 },
    { name: 'the preface and SETTINGS', from: 'client', bytes: `${PREFACE}\0\0\0\x04\0\0\0\0\0`, yesAfter: 24 },
    {
      name: 'empty SETTINGS and WINDOW_UPDATE',
      from: 'server',
      bytes: '\0\0\0\x04\0\0\0\0\0\0\0\x04\x08\0\0\0\0\0\0\x01\0\0',
      yesAfter: 18,
    },
    {
      name: 'empty SETTINGS and an acknowledgement',
      from: 'server',
      bytes: '\0\0\0\x04\0\0\0\0\0\0\0\0\x04\x01\0\0\0\0',
      yesAfter: 18,
    },
    { name: 'one setting', from: 'server', bytes: '\0\0\x06\x04\0\0\0\0\0\0\x03\0\0\0\x64', yesAfter: 9 },
    { name: 'as many settings as are taken', from: 'server', bytes: `\0\0\xfc\x04\0\0\0\0\0`, yesAfter: 9 },
  ],
  nearMisses: [
    { name: 'a preface that ends otherwise', from: 'client', bytes: 'PRI * HTTP/2.0XXXX', rejectedAt: 14 },
    { name: 'a preface without SM', from: 'client', bytes: 'PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n', rejectedAt: 18 },
    { name: 'a preface with a wrong last byte', from: 'client', bytes: `${PREFACE.slice(0, -1)}\r`, rejectedAt: 23 },
    { name: 'PRI in HTTP/1', from: 'client', bytes: 'PRI * HTTP/1.1\r\n', rejectedAt: 11 },
    { name: 'a preface in lower case', from: 'client', bytes: 'pri * HTTP/2.0\r\n', rejectedAt: 0 },
    { name: 'an acknowledgement first', from: 'server', bytes: '\0\0\0\x04\x01\0\0\0\0', rejectedAt: 4 },
    { name: 'another frame first', from: 'server', bytes: '\0\0\x04\x08\0\0\0\0\0', rejectedAt: 2 },
    { name: 'PING first', from: 'server', bytes: '\0\0\x06\x06\0\0\0\0\0', rejectedAt: 3 },
    { name: 'a length that is no multiple of 6', from: 'server', bytes: '\0\0\x07\x04\0\0\0\0\0', rejectedAt: 2 },
    { name: 'more settings than there are', from: 'server', bytes: '\0\x01\x02\x04\0\0\0\0\0', rejectedAt: 1 },
    { name: 'a length of half a kilobyte', from: 'server', bytes: '\0\x02\0\x04\0\0\0\0\0', rejectedAt: 1 },
    { name: 'a length of megabytes', from: 'server', bytes: '\x01\0\0\x04\0\0\0\0\0', rejectedAt: 0 },
    { name: 'SETTINGS of a stream', from: 'server', bytes: '\0\0\0\x04\0\0\0\0\x01', rejectedAt: 8 },
    {
      name: 'two answers with a length of 4 and a status of 0',
      from: 'server',
      bytes: '\0\0\0\x04\0\0\0\0\0\0\0\x04\0\0\0\0',
      rejectedAt: 12,
    },
    {
      name: 'an answer with a length of 4, and one of 64 KiB',
      from: 'server',
      bytes: '\0\0\0\x04\0\0\0\0\0\x01',
      rejectedAt: 9,
    },
    {
      name: 'empty SETTINGS and WINDOW_UPDATE of a stream',
      from: 'server',
      bytes: '\0\0\0\x04\0\0\0\0\0\0\0\x04\x08\0\0\0\0\x01',
      rejectedAt: 17,
    },
    { name: 'the reserved bit', from: 'server', bytes: '\0\0\0\x04\0\x80\0\0\0', rejectedAt: 5 },
  ],
  otherProtocols: [
    { name: 'HTTP/1', from: 'client', bytes: 'POST / HTTP/1.1\r\n' },
    { name: 'POP3', from: 'client', bytes: 'PASS secret\r\n' },
    { name: 'a Kafka answer', from: 'server', bytes: '\0\0\0\x1e\0\0\0\x01' },
    { name: 'a MySQL greeting', from: 'server', bytes: '\x4a\0\0\0\x0a8.0.35\0' },
    { name: 'a TLS answer', from: 'server', bytes: '\x16\x03\x03\0\x7a\x02' },
  ],
})
