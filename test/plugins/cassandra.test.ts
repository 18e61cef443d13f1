import { cassandra } from '../../src/plugins/cassandra.js'
import { describeSniffer } from './describe-sniffer.js'

const OPTIONS = '\0\0\0\x05\0\0\0\0'
const CQL_VERSION = '\0\x0bCQL_VERSION\0\x053.0.0'
const SELECT = '\0\0\0\x14SELECT * FROM users;\0\x01\0'

describeSniffer(cassandra, {
  matches: [
    { name: 'OPTIONS of v3', from: 'client', bytes: `\x03${OPTIONS}`, yesAfter: 9, facts: { version: '3' } },
    { name: 'OPTIONS of v4', from: 'client', bytes: `\x04${OPTIONS}`, yesAfter: 9, facts: { version: '4' } },
    { name: 'OPTIONS of v5', from: 'client', bytes: `\x05${OPTIONS}`, yesAfter: 9, facts: { version: '5' } },
    {
      name: 'OPTIONS of v5 as beta',
      from: 'client',
      bytes: '\x05\x10\0\0\x05\0\0\0\0',
      yesAfter: 9,
      facts: { version: '5' },
    },
    { name: 'OPTIONS of DSE', from: 'client', bytes: `\x42${OPTIONS}`, yesAfter: 9, facts: { version: 'DSE 2' } },
    {
      name: 'STARTUP',
      from: 'client',
      bytes: `\x04\0\0\x01\x01\0\0\0\x16\0\x01${CQL_VERSION}`,
      yesAfter: 24,
      facts: { version: '4' },
    },
    {
      name: 'STARTUP with another option first',
      from: 'client',
      bytes: `\x05\0\0\x01\x01\0\0\0\x2b\0\x02\0\x0bCOMPRESSION\0\x03lz4${CQL_VERSION}`,
      yesAfter: 24,
      facts: { version: '5' },
    },
    {
      name: 'QUERY',
      from: 'client',
      bytes: `\x03\0\0\x02\x07\0\0\0\x1b${SELECT}`,
      yesAfter: 17,
      facts: { version: '3' },
    },
    {
      name: 'PREPARE',
      from: 'client',
      bytes: `\x04\0\0\x02\x09\0\0\0\x18${SELECT.slice(0, -3)}`,
      yesAfter: 17,
      facts: { version: '4' },
    },
  ],
  nearMisses: [
    { name: 'v2, whose header has 8 bytes', from: 'client', bytes: '\x02\0\0\x05\0\0\0\0', rejectedAt: 0 },
    { name: 'a response', from: 'client', bytes: '\x84\0\0\0\x06\0\0\0\0', rejectedAt: 0 },
    { name: 'compression before STARTUP', from: 'client', bytes: '\x04\x01\0\0\x01\0\0\0\x16', rejectedAt: 1 },
    { name: 'beta of v4', from: 'client', bytes: '\x04\x10\0\0\x05\0\0\0\0', rejectedAt: 1 },
    { name: "a server's stream", from: 'client', bytes: `\x04\0\xff\xff\x05\0\0\0\0`, rejectedAt: 2 },
    { name: 'a response by its opcode', from: 'client', bytes: '\x04\0\0\0\x06\0\0\0\0', rejectedAt: 4 },
    { name: 'OPTIONS with a body', from: 'client', bytes: '\x04\0\0\0\x05\0\0\0\x01\0', rejectedAt: 8 },
    { name: 'STARTUP without a version', from: 'client', bytes: '\x04\0\0\0\x01\0\0\0\x02\0\0', rejectedAt: 8 },
    { name: 'STARTUP with no options', from: 'client', bytes: '\x04\0\0\0\x01\0\0\0\x16\0\0', rejectedAt: 10 },
    {
      name: 'an option in lower case',
      from: 'client',
      bytes: '\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0bcql_version',
      rejectedAt: 13,
    },
    {
      name: 'a statement past its frame',
      from: 'client',
      bytes: '\x04\0\0\0\x07\0\0\0\x1b\0\0\0\x18SELECT',
      rejectedAt: 12,
    },
    {
      name: 'a statement of controls',
      from: 'client',
      bytes: '\x04\0\0\0\x07\0\0\0\x1b\0\0\0\x14\x01SELECT',
      rejectedAt: 13,
    },
    {
      name: 'QUERY of v5, which is not framed so',
      from: 'client',
      bytes: `\x05\0\0\x02\x07\0\0\0\x1b${SELECT}`,
      rejectedAt: 4,
    },
    { name: 'SOCKS5', from: 'client', bytes: '\x05\x01\0', rejectedAt: 1 },
    { name: 'SOCKS4 to 10.0.0.5', from: 'client', bytes: '\x04\x01\0\x50\x0a\0\0\x05\0', rejectedAt: 1 },
    {
      name: 'TPKT, whose header begins like v3',
      from: 'client',
      bytes: '\x03\0\0\x2b\x26\xe0\0\0\0\0\0',
      rejectedAt: 4,
    },
    {
      name: 'TPKT with a COTP header of 9 bytes',
      from: 'client',
      bytes: '\x03\0\0\x0e\x09\xe0\0\0\0\x01\0\xc0\x01\x0a',
      rejectedAt: 5,
    },
  ],
  otherProtocols: [
    { name: 'a hello of MongoDB of 66 bytes', from: 'client', bytes: '\x42\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0' },
    { name: 'Kafka', from: 'client', bytes: '\0\0\0\x0e\0\x12\0\x02\0\0\0\0\0\x04shop' },
    { name: 'BREW of HTTP', from: 'client', bytes: 'BREW /pot HTTP/1.1\r\n' },
  ],
})
