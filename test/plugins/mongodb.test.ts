import { mongodb } from '../../src/plugins/mongodb.js'
import { describeSniffer } from './describe-sniffer.js'

// length(4) request(4) responseTo(4) opCode(4), little-endian.
const HELLO = '\x14\0\0\0\x10hello\0\x01\0\0\0\0'
const header = (opCode: string) => `\x3f\0\0\0\x01\0\0\0\0\0\0\0${opCode}\x07\0\0`
const MSG = header('\xdd')
const QUERY = header('\xd4')
const COMPRESSED = header('\xdc')
const OK = '\x11\0\0\0\x01ok\0\0\0\0\0\0\0\xf0?\0'
const answer = (opCode: string) => `\x35\0\0\0\x07\0\0\0\x01\0\0\0${opCode}\0\0`
const REPLY = answer('\x01\0')
const CURSOR = '\0'.repeat(12)

describeSniffer(mongodb, {
  matches: [
    { name: 'OP_MSG', from: 'client', bytes: `${MSG}\0\0\0\0\0${HELLO}`, yesAfter: 25 },
    { name: 'OP_MSG with all its flags', from: 'client', bytes: `${MSG}\x03\0\x01\0\x01\x10\0\0\0`, yesAfter: 25 },
    {
      name: 'OP_QUERY',
      from: 'client',
      bytes: `${QUERY}\0\0\0\0admin.$cmd\0\0\0\0\0\xff\xff\xff\xff${HELLO}`,
      yesAfter: 31,
    },
    { name: 'OP_QUERY of a collection', from: 'client', bytes: `${QUERY}\x04\0\0\0test.a.b\0`, yesAfter: 29 },
    {
      name: 'OP_QUERY of an older driver',
      from: 'client',
      bytes: '\x3a\0\0\0\x04\x65\xd5\xb3\xff\xff\xff\xff\xd4\x07\0\0\0\0\0\0admin.$cmd\0',
      yesAfter: 31,
    },
    { name: 'OP_INSERT', from: 'client', bytes: `${header('\xd2')}\x01\0\0\0test.a\0${HELLO}`, yesAfter: 27 },
    { name: 'OP_GET_MORE', from: 'client', bytes: `${header('\xd5')}\0\0\0\0test.a\0\0\0\0\0`, yesAfter: 27 },
    { name: 'OP_REPLY', from: 'server', bytes: `${REPLY}\x08\0\0\0${CURSOR}\x01\0\0\0${OK}`, yesAfter: 40 },
    {
      name: 'OP_REPLY without documents',
      from: 'server',
      bytes: `\x24${REPLY.slice(1)}\x01\0\0\0${CURSOR}\0\0\0\0`,
      yesAfter: 36,
    },
    { name: 'OP_MSG', from: 'server', bytes: `${answer('\xdd\x07')}\0\0\0\0\0${OK}`, yesAfter: 25 },
    { name: 'OP_COMPRESSED', from: 'client', bytes: `${COMPRESSED}\xdd\x07\0\0\x20\0\0\0\x02\x78`, yesAfter: 25 },
  ],
  nearMisses: [
    { name: 'a length below any message', from: 'client', bytes: `\x18\0\0\0${MSG.slice(4)}`, rejectedAt: 3 },
    { name: 'a length above any hello', from: 'client', bytes: `\x3f\0\x01\0${MSG.slice(4)}`, rejectedAt: 2 },
    { name: 'a big-endian length', from: 'client', bytes: `\0\0\0\x3f${MSG.slice(4)}`, rejectedAt: 3 },
    { name: 'an answer', from: 'client', bytes: `\x3f\0\0\0\x01\0\0\0\x07\0\0\0\xdd\x07\0\0`, rejectedAt: 8 },
    { name: 'half of -1', from: 'client', bytes: `\x3f\0\0\0\x01\0\0\0\xff\xff\0\0\xdd\x07\0\0`, rejectedAt: 10 },
    { name: 'OP_REPLY', from: 'client', bytes: '\x3f\0\0\0\x01\0\0\0\0\0\0\0\x01\0\0\0', rejectedAt: 12 },
    { name: 'OP_KILL_CURSORS', from: 'client', bytes: header('\xd7'), rejectedAt: 12 },
    { name: 'an opCode of another thousand', from: 'client', bytes: `${MSG.slice(0, 13)}\x08\0\0`, rejectedAt: 13 },
    { name: 'an unknown flag that is required', from: 'client', bytes: `${MSG}\x04\0\0\0`, rejectedAt: 16 },
    { name: 'an unknown section', from: 'client', bytes: `${MSG}\0\0\0\0\x02`, rejectedAt: 20 },
    { name: 'a document of 4 bytes', from: 'client', bytes: `${MSG}\0\0\0\0\0\x04\0\0\0`, rejectedAt: 24 },
    { name: 'a document past the message', from: 'client', bytes: `${MSG}\0\0\0\0\0\x2b\0\0\0`, rejectedAt: 24 },
    { name: 'a reserved flag of OP_QUERY', from: 'client', bytes: `${QUERY}\x01\0\0\0admin.$cmd\0`, rejectedAt: 16 },
    { name: 'a namespace without a dot', from: 'client', bytes: `${QUERY}\0\0\0\0admin\0`, rejectedAt: 25 },
    { name: 'a namespace without a database', from: 'client', bytes: `${QUERY}\0\0\0\0.a\0`, rejectedAt: 22 },
    { name: 'a namespace without a collection', from: 'client', bytes: `${QUERY}\0\0\0\0admin.\0`, rejectedAt: 26 },
    { name: 'a control in the namespace', from: 'client', bytes: `${QUERY}\0\0\0\0a.b\n`, rejectedAt: 23 },
    {
      name: 'a namespace past its bound',
      from: 'client',
      bytes: `${QUERY}\0\0\0\0a.${'b'.repeat(260)}`,
      rejectedAt: 275,
    },
    {
      name: 'a namespace past the message',
      from: 'client',
      bytes: `${QUERY}\0\0\0\0a.${'b'.repeat(30)}\0`,
      rejectedAt: 52,
    },
    {
      name: 'OP_COMPRESSED of itself',
      from: 'client',
      bytes: `${COMPRESSED}\xdc\x07\0\0\x20\0\0\0\x02`,
      rejectedAt: 16,
    },
    {
      name: 'OP_COMPRESSED of nothing',
      from: 'client',
      bytes: `${COMPRESSED}\xdd\x07\0\0\0\0\0\0\x02`,
      rejectedAt: 23,
    },
    { name: 'a flag of OP_INSERT that is not', from: 'client', bytes: `${header('\xd2')}\x02\0\0\0`, rejectedAt: 16 },
    { name: 'OP_DELETE without its zero', from: 'client', bytes: `${header('\xd6')}\x01\0\0\0`, rejectedAt: 16 },
    { name: 'an answer past 16 MiB', from: 'server', bytes: `\0\0\0\x01${REPLY.slice(4)}`, rejectedAt: 3 },
    { name: 'a query from the server', from: 'server', bytes: answer('\xd4\x07'), rejectedAt: 12 },
    { name: 'an unknown flag of OP_REPLY', from: 'server', bytes: `${REPLY}\x10\0\0\0`, rejectedAt: 16 },
    { name: 'more documents than fit', from: 'server', bytes: `${REPLY}\0\0\0\0${CURSOR}\x04\0\0\0`, rejectedAt: 35 },
    {
      name: 'a document past the answer',
      from: 'server',
      bytes: `${REPLY}\0\0\0\0${CURSOR}\x01\0\0\0\x12\0\0\0`,
      rejectedAt: 39,
    },
    { name: 'an unknown compressor', from: 'client', bytes: `${COMPRESSED}\xdd\x07\0\0\x20\0\0\0\x04`, rejectedAt: 24 },
  ],
  otherProtocols: [
    { name: "OPTIONS of Cassandra's DSE", from: 'client', bytes: '\x42\0\0\0\x05\0\0\0\0' },
    { name: "STARTUP of Cassandra's DSE", from: 'client', bytes: '\x42\0\0\0\x01\0\0\0\x8d\0\x04\0\x0b' },
    { name: 'Kafka Metadata', from: 'client', bytes: '\0\0\0\x12\0\x03\0\0\0\0\0\x01\0\x04test\0\0\0\0' },
    { name: 'PostgreSQL SSLRequest', from: 'client', bytes: '\0\0\0\x08\x04\xd2\x16\x2f' },
    { name: 'Cassandra', from: 'client', bytes: '\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.0.0' },
    { name: 'SOCKS 4', from: 'client', bytes: '\x04\x01\0\x50\xc0\0\x02\x01\0' },
    { name: 'Redis', from: 'client', bytes: '*1\r\n$4\r\nPING\r\n' },
  ],
})
