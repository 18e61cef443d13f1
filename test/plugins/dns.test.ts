import { dns } from '../../src/plugins/dns.js'
import { describeSniffer } from './describe-sniffer.js'

const NAME = '\x07example\x03com\0'
const QUERY = `\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0${NAME}\0\x01\0\x01`
const LABEL = `\x3f${'a'.repeat(63)}`

describeSniffer(dns, {
  matches: [
    { name: 'a query', from: 'client', bytes: QUERY, yesAfter: 31 },
    {
      name: 'a query of the root',
      from: 'client',
      bytes: '\0\x11\x12\x34\0\0\0\x01\0\0\0\0\0\0\0\0\x02\0\x01',
      yesAfter: 19,
    },
    {
      name: 'a query with AD, CD and EDNS',
      from: 'client',
      bytes: `\0\x28\x12\x34\x01\x30\0\x01\0\0\0\0\0\x01${NAME}\0\x30\0\x01`,
      yesAfter: 31,
    },
    { name: 'IXFR', from: 'client', bytes: `\0\x40\x12\x34\0\0\0\x01\0\0\0\x01\0\0${NAME}\0\xfb\0\x01`, yesAfter: 31 },
    {
      name: 'a notify',
      from: 'client',
      bytes: `\0\x40\x12\x34\x24\0\0\x01\0\x01\0\0\0\0${NAME}\0\x06\0\x01`,
      yesAfter: 31,
    },
    {
      name: 'the chaos class',
      from: 'client',
      bytes: `\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0${NAME}\0\x10\0\x03`,
      yesAfter: 31,
    },
    {
      name: 'the longest name',
      from: 'client',
      bytes: `\x01\x0f\x12\x34\x01\0\0\x01\0\0\0\0\0\0${LABEL.repeat(3)}\x3d${'a'.repeat(61)}\0\0\x01\0\x01`,
      yesAfter: 273,
    },
    {
      name: 'an answer',
      from: 'server',
      bytes: `\0\x2d\x12\x34\x81\x80\0\x01\0\x01\0\0\0\0${NAME}\0\x01\0\x01`,
      yesAfter: 31,
    },
    {
      name: 'no such domain',
      from: 'server',
      bytes: `\0\x1d\x12\x34\x85\x83\0\x01\0\0\0\0\0\0${NAME}\0\x01\0\x01`,
      yesAfter: 31,
    },
  ],
  nearMisses: [
    { name: 'a message of 16 bytes', from: 'client', bytes: `\0\x10${QUERY.slice(2)}`, rejectedAt: 1 },
    { name: 'a greeting of SOCKS 5', from: 'client', bytes: '\x05\x02\0\x02', rejectedAt: 1 },
    { name: 'an answer from the client', from: 'client', bytes: `${QUERY.slice(0, 4)}\x81`, rejectedAt: 4 },
    { name: 'a truncated query', from: 'client', bytes: `${QUERY.slice(0, 4)}\x02`, rejectedAt: 4 },
    { name: 'an inverse query', from: 'client', bytes: `${QUERY.slice(0, 4)}\x08`, rejectedAt: 4 },
    { name: 'an update', from: 'client', bytes: `${QUERY.slice(0, 4)}\x28`, rejectedAt: 4 },
    { name: 'a query with RA', from: 'client', bytes: `${QUERY.slice(0, 5)}\x80`, rejectedAt: 5 },
    { name: 'a query with Z', from: 'client', bytes: `${QUERY.slice(0, 5)}\x40`, rejectedAt: 5 },
    { name: 'a query with a code', from: 'client', bytes: `${QUERY.slice(0, 5)}\x01`, rejectedAt: 5 },
    { name: 'no question', from: 'client', bytes: `${QUERY.slice(0, 6)}\0\0`, rejectedAt: 7 },
    { name: 'two questions', from: 'client', bytes: `${QUERY.slice(0, 6)}\0\x02`, rejectedAt: 7 },
    { name: 'two answers in a query', from: 'client', bytes: `${QUERY.slice(0, 8)}\0\x02`, rejectedAt: 9 },
    { name: 'four more in a query', from: 'client', bytes: `${QUERY.slice(0, 12)}\0\x04`, rejectedAt: 13 },
    { name: 'a pointer in the question', from: 'client', bytes: `${QUERY.slice(0, 14)}\xc0\x0c`, rejectedAt: 14 },
    {
      name: 'a name past the message',
      from: 'client',
      bytes: `${QUERY.slice(0, 14)}\x0eaaaaaaaaaaaaaa`,
      rejectedAt: 14,
    },
    {
      name: 'a name past its bound',
      from: 'client',
      bytes: `\x01\xff${QUERY.slice(2, 14)}${LABEL.repeat(4)}`,
      rejectedAt: 206,
    },
    { name: 'type 0', from: 'client', bytes: `${QUERY.slice(0, 27)}\0\0\0\x01`, rejectedAt: 30 },
    { name: 'class 2', from: 'client', bytes: `${QUERY.slice(0, 27)}\0\x01\0\x02`, rejectedAt: 30 },
    { name: 'a class past 255', from: 'client', bytes: `${QUERY.slice(0, 27)}\0\x01\x01`, rejectedAt: 29 },
    { name: 'a query from the server', from: 'server', bytes: QUERY, rejectedAt: 4 },
    { name: 'an answer with Z', from: 'server', bytes: `${QUERY.slice(0, 4)}\x81\xc0`, rejectedAt: 5 },
    { name: 'an answer without a question', from: 'server', bytes: `${QUERY.slice(0, 4)}\x81\x80\0\0`, rejectedAt: 7 },
  ],
  otherProtocols: [
    { name: 'Kafka ApiVersions', from: 'client', bytes: '\0\0\0\x23\0\x12\0\x03\0\0\0\x01\0\x06client' },
    { name: 'Postgres SSLRequest', from: 'client', bytes: '\0\0\0\x08\x04\xd2\x16\x2f' },
    { name: 'Gearman', from: 'client', bytes: '\0REQ\0\0\0\x01\0\0\0\x0a' },
    { name: 'Cassandra', from: 'client', bytes: '\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION' },
    { name: 'TLS', from: 'client', bytes: '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03' },
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n\r\n' },
    { name: 'MySQL', from: 'server', bytes: '\x4a\0\0\0\x0a8.0.35\0' },
  ],
})
