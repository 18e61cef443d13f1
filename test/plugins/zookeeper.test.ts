import { expect, test } from 'vitest'
import { zookeeper } from '../../src/plugins/zookeeper.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const ZERO_8 = '\0'.repeat(8)
const PASSWORD = `\0\0\0\x10${'\0'.repeat(16)}`
const SESSION = '\x01\0\x15\x7f\x63\xeb\0\0'

function connectRequest({
  length = '\0\0\0\x2d',
  version = '\0\0\0\0',
  zxid = ZERO_8,
  timeout = '\0\0\x75\x30',
}): string {
  return `${length}${version}${zxid}${timeout}${ZERO_8}${PASSWORD}\0`
}

describeSniffer(zookeeper, {
  matches: [
    { name: 'ConnectRequest', from: 'client', bytes: connectRequest({}), yesAfter: 32 },
    {
      name: 'ConnectRequest before 3.4',
      from: 'client',
      bytes: connectRequest({ length: '\0\0\0\x2c' }),
      yesAfter: 32,
    },
    {
      name: 'a client that was here before',
      from: 'client',
      bytes: connectRequest({ zxid: '\0\0\0\x01\0\0\x12\x34' }),
      yesAfter: 32,
    },
    { name: 'ruok', from: 'client', bytes: 'ruok', yesAfter: 4 },
    { name: 'srvr and a line end', from: 'client', bytes: 'srvr\n', yesAfter: 4 },
    { name: 'stat and a line end', from: 'client', bytes: 'stat\n', yesAfter: 5 },
    {
      name: 'ConnectResponse',
      from: 'server',
      bytes: `\0\0\0\x25\0\0\0\0\0\0\x75\x30${SESSION}${PASSWORD}\0`,
      yesAfter: 24,
    },
    {
      name: 'an expired session',
      from: 'server',
      bytes: `\0\0\0\x24\0\0\0\0\0\0\0\0${ZERO_8}${PASSWORD}`,
      yesAfter: 24,
    },
    {
      name: 'the answer to srvr',
      from: 'server',
      bytes: 'Zookeeper version: 3.6.0-SNAPSHOT--1, built on 06/17/2015 05:08 GMT\n',
      yesAfter: 19,
      facts: { version: '3.6.0' },
    },
    {
      name: 'the answer to mntr',
      from: 'server',
      bytes: 'zk_version\t3.8.0-39, built',
      yesAfter: 11,
      facts: { version: '3.8.0' },
    },
    {
      name: 'the answer to envi',
      from: 'server',
      bytes: 'Environment:\nzookeeper.version=3.9.2-e454, built',
      yesAfter: 31,
      facts: { version: '3.9.2' },
    },
    { name: 'an answer without a version', from: 'server', bytes: 'Zookeeper version: unknown', yesAfter: 19 },
    { name: 'an answer with a long version', from: 'server', bytes: `zk_version\t${'1'.repeat(40)}`, yesAfter: 11 },
    {
      name: 'a refusal',
      from: 'server',
      bytes: 'cons is not executed because it is not in the whitelist.\n',
      yesAfter: 56,
    },
  ],
  nearMisses: [
    { name: 'a length between', from: 'client', bytes: connectRequest({ length: '\0\0\0\x2b' }), rejectedAt: 3 },
    { name: 'a byte too many', from: 'client', bytes: connectRequest({ length: '\0\0\0\x2e' }), rejectedAt: 3 },
    { name: 'a protocol version', from: 'client', bytes: connectRequest({ version: '\0\0\0\x01' }), rejectedAt: 7 },
    { name: 'a negative zxid', from: 'client', bytes: connectRequest({ zxid: '\xff'.repeat(8) }), rejectedAt: 8 },
    { name: 'a timeout of days', from: 'client', bytes: connectRequest({ timeout: '\x10\0\0\0' }), rejectedAt: 16 },
    {
      name: 'a password of 17 bytes',
      from: 'client',
      bytes: connectRequest({}).replace('\x10', '\x11'),
      rejectedAt: 31,
    },
    { name: 'stats of memcached', from: 'client', bytes: 'stats\r\n', rejectedAt: 4 },
    { name: 'STAT of POP3', from: 'client', bytes: 'STAT\r\n', rejectedAt: 0 },
    { name: 'conf and more', from: 'client', bytes: 'config get *\r\n', rejectedAt: 4 },
    { name: 'a word that there is not', from: 'client', bytes: 'ruin\n', rejectedAt: 2 },
    { name: "the quorum's own protocol", from: 'client', bytes: '\0\0\0\x0b\0\0\0\0\0\0\0\0\0\0\0\x14', rejectedAt: 3 },
    { name: "a request's length from the server", from: 'server', bytes: '\0\0\0\x2d\0\0\0\0', rejectedAt: 3 },
    { name: 'another version of something', from: 'server', bytes: 'Zookeeper is not running\n', rejectedAt: 10 },
    { name: 'Environment of something else', from: 'server', bytes: 'Environment:\nPATH=/bin\n', rejectedAt: 13 },
    { name: 'another refusal', from: 'server', bytes: 'conf is not executed today\n', rejectedAt: 21 },
  ],
  otherProtocols: [
    { name: 'Kafka', from: 'client', bytes: '\0\0\0\x2d\0\x03\0\0\0\0\0\x01\0\x04shop\0\0\0\x01' },
    { name: 'Postgres', from: 'client', bytes: '\0\0\0\x2c\0\x03\0\0user\0' },
    { name: 'HTTP', from: 'client', bytes: 'dump / HTTP/1.1\r\n' },
  ],
})

test('is sure of an answer while its version is on its way', () => {
  const bytes = latin1('Zookeeper version: 3.8.0-39')
  for (let length = 19; length <= 24; length++) expect(zookeeper.server!(bytes.subarray(0, length))).toBe('sure')
  expect(zookeeper.server!(bytes.subarray(0, 25))).toEqual({ facts: { version: '3.8.0' } })
})
