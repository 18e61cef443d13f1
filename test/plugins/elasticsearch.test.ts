import { elasticsearch } from '../../src/plugins/elasticsearch.js'
import { describeSniffer } from './describe-sniffer.js'

const REQUEST_ID = '\0\0\0\0\0\0\0\x01'
const VERSION_7 = '\0\x6b\xbb\x4b'

describeSniffer(elasticsearch, {
  matches: [
    {
      name: 'a handshake of 5.6',
      from: 'client',
      bytes: `ES\0\0\0\x34${REQUEST_ID}\x08\0\x4d\x35\xd3\0\0`,
      yesAfter: 19,
    },
    {
      name: 'a compressed request of 7.6',
      from: 'client',
      bytes: `ES\0\0\x03\x5a${REQUEST_ID}\x04${VERSION_7}\0`,
      yesAfter: 19,
    },
    {
      name: 'a request of OpenSearch 2',
      from: 'client',
      bytes: `ES\0\0\0\x34${REQUEST_ID}\0\x08\x20\x2c\x19`,
      yesAfter: 19,
    },
    {
      name: "a handshake's response",
      from: 'server',
      bytes: `ES\0\0\0\x13${REQUEST_ID}\x09${VERSION_7}\0`,
      yesAfter: 19,
    },
    { name: 'an error', from: 'server', bytes: `ES\0\0\0\x13${REQUEST_ID}\x03${VERSION_7}\0`, yesAfter: 19 },
  ],
  nearMisses: [
    { name: 'ES as letters', from: 'client', bytes: 'ESTABLISH / HTTP/1.1\r\n', rejectedAt: 2 },
    { name: 'lower case', from: 'client', bytes: 'es\0\0\0\x34', rejectedAt: 0 },
    { name: 'a ping, which is no first message', from: 'client', bytes: 'ES\xff\xff\xff\xff', rejectedAt: 2 },
    { name: 'too short a length', from: 'client', bytes: `ES\0\0\0\x0c${REQUEST_ID}\x08${VERSION_7}`, rejectedAt: 5 },
    {
      name: 'a negative request id',
      from: 'client',
      bytes: `ES\0\0\0\x34\xff\0\0\0\0\0\0\0\x08${VERSION_7}`,
      rejectedAt: 6,
    },
    {
      name: 'a response from the client',
      from: 'client',
      bytes: `ES\0\0\0\x34${REQUEST_ID}\x09${VERSION_7}`,
      rejectedAt: 14,
    },
    {
      name: 'a status that there is not',
      from: 'client',
      bytes: `ES\0\0\0\x34${REQUEST_ID}\x10${VERSION_7}`,
      rejectedAt: 14,
    },
    { name: 'version 0.99', from: 'client', bytes: `ES\0\0\0\x34${REQUEST_ID}\x08\0\x0f\x1b\x30`, rejectedAt: 18 },
    { name: 'version 100', from: 'client', bytes: `ES\0\0\0\x34${REQUEST_ID}\x08\x05\xf5\xe1\0`, rejectedAt: 17 },
    {
      name: 'a request from the server',
      from: 'server',
      bytes: `ES\0\0\0\x34${REQUEST_ID}\x08${VERSION_7}`,
      rejectedAt: 14,
    },
  ],
  otherProtocols: [{ name: 'HTTP', from: 'client', bytes: 'GET /_cluster/health HTTP/1.1\r\n' }],
})
