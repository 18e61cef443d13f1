import { kafka } from '../../src/plugins/kafka.js'
import { describeSniffer } from './describe-sniffer.js'

const [PRODUCE, FETCH, LIST_OFFSETS, METADATA, JOIN_GROUP, SASL_HANDSHAKE, API_VERSIONS, CREATE_TOPICS] = [
  0, 1, 2, 3, 11, 17, 18, 19,
]
const SHOP = '\0\x04shop'
const NONE = '\xff\xff'
const TOPICS = '\0\0\0\x01\0\x06orders'

function request(apiKey: number, version: number, clientId: string, body: string): string {
  const payload = `\0${String.fromCharCode(apiKey)}\0${String.fromCharCode(version)}\0\0\0\x01${clientId}${body}`
  return `\0\0${String.fromCharCode(payload.length >> 8, payload.length & 0xff)}${payload}`
}

const facts = { clientId: 'shop' }

describeSniffer(kafka, {
  matches: [
    {
      name: 'ApiVersions v3',
      from: 'client',
      bytes: request(API_VERSIONS, 3, SHOP, '\0\x0blibrdkafka\x062.0.2\0'),
      yesAfter: 36,
      facts: { clientId: 'shop', software: 'librdkafka/2.0.2' },
    },
    { name: 'ApiVersions v0', from: 'client', bytes: request(API_VERSIONS, 0, SHOP, ''), yesAfter: 18, facts },
    {
      name: 'ApiVersions v0 without a client id',
      from: 'client',
      bytes: request(API_VERSIONS, 0, NONE, ''),
      yesAfter: 14,
    },
    {
      name: 'Metadata v0 of all topics',
      from: 'client',
      bytes: request(METADATA, 0, SHOP, '\0\0\0\0'),
      yesAfter: 22,
      facts,
    },
    {
      name: 'Metadata v1 of all topics',
      from: 'client',
      bytes: request(METADATA, 1, NONE, '\xff\xff\xff\xff'),
      yesAfter: 18,
    },
    { name: 'Metadata v4', from: 'client', bytes: request(METADATA, 4, SHOP, `${TOPICS}\x01`), yesAfter: 30, facts },
    { name: 'Metadata v12', from: 'client', bytes: request(METADATA, 12, SHOP, '\0\0\x01\0\0'), yesAfter: 18, facts },
    { name: 'SaslHandshake v1', from: 'client', bytes: request(SASL_HANDSHAKE, 1, NONE, '\0\x05PLAIN'), yesAfter: 21 },
    {
      name: 'Produce v1',
      from: 'client',
      bytes: request(PRODUCE, 1, NONE, `\0\x01\0\0\x05\xdc${TOPICS}`),
      yesAfter: 32,
    },
    {
      name: 'Fetch v2',
      from: 'client',
      bytes: request(FETCH, 2, '\0\0', `\xff\xff\xff\xff\0\0\x01\xf4\0\0\0\x01${TOPICS}`),
      yesAfter: 38,
    },
    {
      name: 'ListOffsets v0',
      from: 'client',
      bytes: request(LIST_OFFSETS, 0, NONE, `\xff\xff\xff\xff${TOPICS}`),
      yesAfter: 30,
    },
    {
      name: 'JoinGroup v0',
      from: 'client',
      bytes: request(JOIN_GROUP, 0, SHOP, '\0\x06group1\0\0\x17\x70'),
      yesAfter: 26,
      facts,
    },
    { name: 'CreateTopics v0', from: 'client', bytes: request(CREATE_TOPICS, 0, SHOP, TOPICS), yesAfter: 30, facts },
    { name: 'a request of another key', from: 'client', bytes: request(68, 0, SHOP, '\x06group'), yesAfter: 18, facts },
  ],
  nearMisses: [
    { name: 'a size of 16 MiB', from: 'client', bytes: '\x01\0\0\0\0\x12\0\0', rejectedAt: 0 },
    { name: 'a size without a client id', from: 'client', bytes: '\0\0\0\x09\0\x12\0\0', rejectedAt: 3 },
    { name: 'key 93', from: 'client', bytes: request(93, 0, SHOP, ''), rejectedAt: 5 },
    { name: 'version 32', from: 'client', bytes: request(API_VERSIONS, 32, SHOP, ''), rejectedAt: 7 },
    {
      name: 'a client id past the request',
      from: 'client',
      bytes: '\0\0\0\x0d\0\x12\0\0\0\0\0\x01\0\x04shop',
      rejectedAt: 13,
    },
    {
      name: 'a client id with a NUL',
      from: 'client',
      bytes: request(API_VERSIONS, 0, '\0\x04sh\0p', ''),
      rejectedAt: 16,
    },
    {
      name: 'a client id of length -2',
      from: 'client',
      bytes: request(API_VERSIONS, 0, '\xff\xfe', ''),
      rejectedAt: 13,
    },
    { name: 'ApiVersions v0 with a body', from: 'client', bytes: request(API_VERSIONS, 0, SHOP, '\0'), rejectedAt: 17 },
    {
      name: 'ApiVersions v3 without a body',
      from: 'client',
      bytes: request(API_VERSIONS, 3, SHOP, '\0'),
      rejectedAt: 17,
    },
    {
      name: 'ApiVersions v3 with tags',
      from: 'client',
      bytes: request(API_VERSIONS, 3, SHOP, '\x01\x0blibrdkafka'),
      rejectedAt: 18,
    },
    {
      name: 'software past its bound',
      from: 'client',
      bytes: request(API_VERSIONS, 3, SHOP, `\0\x50${'a'.repeat(90)}`),
      rejectedAt: 19,
    },
    { name: 'Metadata without topics', from: 'client', bytes: request(METADATA, 0, SHOP, '\0\0\0'), rejectedAt: 17 },
    {
      name: 'Metadata of -2 topics',
      from: 'client',
      bytes: request(METADATA, 1, SHOP, '\xff\xff\xff\xfe'),
      rejectedAt: 21,
    },
    {
      name: 'Metadata of 65,536 topics',
      from: 'client',
      bytes: request(METADATA, 1, SHOP, '\0\x01\0\0\0\x06orders'),
      rejectedAt: 19,
    },
    {
      name: 'a topic without a name',
      from: 'client',
      bytes: request(METADATA, 1, SHOP, '\0\0\0\x01\0\0\0\0'),
      rejectedAt: 23,
    },
    {
      name: 'a topic past the request',
      from: 'client',
      bytes: request(METADATA, 1, SHOP, '\0\0\0\x01\0\x07orders'),
      rejectedAt: 23,
    },
    {
      name: 'a topic of controls',
      from: 'client',
      bytes: request(METADATA, 1, SHOP, '\0\0\0\x01\0\x06or\x01ers'),
      rejectedAt: 26,
    },
    {
      name: 'Produce of nothing',
      from: 'client',
      bytes: request(PRODUCE, 0, NONE, '\0\x01\0\0\x05\xdc\0\0\0\0\0\0\0\0'),
      rejectedAt: 23,
    },
    { name: 'zeros', from: 'client', bytes: `\0\0\0\x40${'\0'.repeat(64)}`, rejectedAt: 23 },
    {
      name: 'another key without a client id',
      from: 'client',
      bytes: request(68, 0, NONE, '\x06group'),
      rejectedAt: 13,
    },
    {
      name: 'a startup of Postgres',
      from: 'client',
      bytes: '\0\0\0\x26\0\x03\0\0user\0oryx\0database\0mailstore\0\0',
      rejectedAt: 13,
    },
    {
      name: 'a startup of Postgres whose user begins with a space',
      from: 'client',
      bytes: '\0\0\0\x60\0\x03\0\0user\0 a\0database\0mailstore\0application_name\0psql\0client_encoding\0UTF8\0\0',
      rejectedAt: 15,
    },
    {
      name: 'a query of DNS without a flag',
      from: 'client',
      bytes: '\0\x1c\0\0\0\0\0\x01\0\0\0\0\0\0\x04etas\x03com\0\0\xfc\0\x01',
      rejectedAt: 20,
    },
    {
      name: 'ConnectRequest of ZooKeeper',
      from: 'client',
      bytes: `\0\0\0\x2d${'\0'.repeat(14)}\x75\x30${'\0'.repeat(11)}\x10`,
      rejectedAt: 23,
    },
  ],
  otherProtocols: [
    { name: 'SSLRequest of Postgres', from: 'client', bytes: '\0\0\0\x08\x04\xd2\x16\x2f' },
    {
      name: 'CancelRequest of Postgres',
      from: 'client',
      bytes: '\0\0\0\x10\x04\xd2\x16\x2e\0\0\x12\x34\xca\xfe\xba\xbe',
    },
    { name: 'framed Thrift', from: 'client', bytes: '\0\0\0\x28\x80\x01\0\x01\0\0\0\x04ping' },
    { name: 'SMB', from: 'client', bytes: '\0\0\0\x2f\xffSMB\x72' },
    { name: 'OpenWire', from: 'client', bytes: '\0\0\0\xd9\x01ActiveMQ\0\0\0\x0c' },
    { name: 'Modbus', from: 'client', bytes: '\0\x01\0\0\0\x06\x01\x03\0\0\0\x0a' },
    { name: 'OPTIONS of Cassandra', from: 'client', bytes: '\x04\0\0\0\x05\0\0\0\0' },
  ],
})
