import { expect, test } from 'vitest'
import { memcached } from '../../src/plugins/memcached.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const ZEROS = '\0'.repeat(12)
const key = 'k'.repeat(250)
// "Binary Protocol", example "Get Response": opcode 0x00, extras of 4 bytes.
const GET_RESPONSE = `\x81\0\0\0\x04\0\0\0\0\0\0\x09${ZEROS}\xde\xad\xbe\xefWorld`

describeSniffer(memcached, {
  matches: [
    { name: 'set', from: 'client', bytes: 'set key 0 3600 5\r\nhello\r\n', yesAfter: 18 },
    { name: 'set without an answer', from: 'client', bytes: 'set key 0 0 5 noreply\r\nhello\r\n', yesAfter: 14 },
    { name: 'a time in the past', from: 'client', bytes: 'add key 0 -1 5\r\nhello\r\n', yesAfter: 16 },
    { name: 'cas', from: 'client', bytes: 'cas key 0 0 5 4711\r\nhello\r\n', yesAfter: 14 },
    { name: 'get', from: 'client', bytes: 'get key\r\n', yesAfter: 9 },
    { name: 'get of the longest key', from: 'client', bytes: `get ${key}\r\n`, yesAfter: 256 },
    { name: 'get of more than is looked at', from: 'client', bytes: `get ${key} ${key} ${key}\r\n`, yesAfter: 320 },
    { name: 'gets', from: 'client', bytes: 'gets one two\r\n', yesAfter: 14 },
    { name: 'gat', from: 'client', bytes: 'gat 60 one two\r\n', yesAfter: 16 },
    { name: 'delete', from: 'client', bytes: 'delete key1\r\n', yesAfter: 13 },
    { name: 'incr', from: 'client', bytes: 'incr key 1\r\n', yesAfter: 12 },
    { name: 'touch', from: 'client', bytes: 'touch key 60\r\n', yesAfter: 14 },
    { name: 'statistics of slabs', from: 'client', bytes: 'stats slabs\r\n', yesAfter: 13 },
    { name: 'flush_all', from: 'client', bytes: 'flush_all 10\r\n', yesAfter: 10 },
    { name: 'meta get', from: 'client', bytes: 'mg key v t f\r\n', yesAfter: 14 },
    { name: 'meta set', from: 'client', bytes: 'ms key 5 T60\r\nhello\r\n', yesAfter: 9 },
    { name: 'meta no-op', from: 'client', bytes: 'mn\r\n', yesAfter: 4 },
    { name: 'binary get', from: 'client', bytes: `\x80\0\0\x05\0\0\0\0\0\0\0\x05${ZEROS}Hello`, yesAfter: 24 },
    { name: 'binary set', from: 'client', bytes: `\x80\x01\0\x05\x08\0\0\0\0\0\0\x12${ZEROS}`, yesAfter: 24 },
    { name: 'binary flush', from: 'client', bytes: `\x80\x08\0\0\x04\0\0\0\0\0\0\x04${ZEROS}`, yesAfter: 24 },
    { name: 'SASL', from: 'client', bytes: `\x80\x20\0\0\0\0\0\0\0\0\0\0${ZEROS}`, yesAfter: 24 },
    { name: 'STORED', from: 'server', bytes: 'STORED\r\n', yesAfter: 8 },
    { name: 'a value', from: 'server', bytes: 'VALUE key 0 5\r\nhello\r\nEND\r\n', yesAfter: 6 },
    { name: 'statistics', from: 'server', bytes: 'STAT pid 4711\r\n', yesAfter: 9 },
    { name: 'VERSION', from: 'server', bytes: 'VERSION 1.6.18\r\n', yesAfter: 9, facts: { version: '1.6.18' } },
    { name: 'a version past its bound', from: 'server', bytes: `VERSION ${'1'.repeat(70)}\r\n`, yesAfter: 9 },
    { name: 'a version with a space', from: 'server', bytes: 'VERSION 1 6\r\n', yesAfter: 9 },
    { name: 'binary value', from: 'server', bytes: GET_RESPONSE, yesAfter: 24 },
    { name: 'binary error', from: 'server', bytes: `\x81\0\0\0\0\0\0\x01\0\0\0\x09${ZEROS}Not found`, yesAfter: 24 },
  ],
  nearMisses: [
    { name: 'a command in upper case', from: 'client', bytes: 'GET key\r\n', rejectedAt: 0 },
    { name: 'set with a word for flags', from: 'client', bytes: 'set key value\r\n', rejectedAt: 8 },
    { name: 'set with two numbers', from: 'client', bytes: 'set key 0 0\r\n', rejectedAt: 11 },
    {
      name: 'set with a number of 21 digits',
      from: 'client',
      bytes: `set key ${'1'.repeat(21)} 0 5\r\n`,
      rejectedAt: 28,
    },
    { name: 'set with two spaces', from: 'client', bytes: 'set  key 0 0 5\r\n', rejectedAt: 4 },
    { name: 'a bare line feed', from: 'client', bytes: 'get key\n', rejectedAt: 7 },
    { name: 'a carriage return alone', from: 'client', bytes: 'get key\r\r\n', rejectedAt: 8 },
    { name: 'a key past its bound', from: 'client', bytes: `get ${key}k\r\n`, rejectedAt: 254 },
    { name: 'a control in the key', from: 'client', bytes: 'get \0key\r\n', rejectedAt: 4 },
    { name: 'HTTP in lower case', from: 'client', bytes: 'get /key HTTP/1.1\r\n', rejectedAt: 4 },
    {
      name: 'HTTP to a proxy in lower case',
      from: 'client',
      bytes: 'get http://a.example/ HTTP/1.1\r\n',
      rejectedAt: 9,
    },
    { name: 'delete of beanstalkd', from: 'client', bytes: 'delete 17\r\n', rejectedAt: 9 },
    { name: 'delete of SQL', from: 'client', bytes: 'delete from orders\r\n', rejectedAt: 11 },
    { name: 'touch of beanstalkd', from: 'client', bytes: 'touch 17\r\n', rejectedAt: 8 },
    { name: 'stats of beanstalkd', from: 'client', bytes: 'stats\r\n', rejectedAt: 5 },
    { name: 'stats-job of beanstalkd', from: 'client', bytes: 'stats-job 17\r\n', rejectedAt: 5 },
    { name: 'version of Gearman', from: 'client', bytes: 'version\r\n', rejectedAt: 0 },
    { name: 'incr of Redis', from: 'client', bytes: 'incr key\r\n', rejectedAt: 8 },
    { name: 'a hello of SSL 2.0', from: 'client', bytes: '\x80\x1c\x01\x03\x01\0\x03\0\0\0\x10', rejectedAt: 2 },
    { name: 'Thrift', from: 'client', bytes: '\x80\x01\0\x01\0\0\0\x04ping', rejectedAt: 4 },
    { name: 'an unknown opcode', from: 'client', bytes: '\x80\x25\0\0\0\0', rejectedAt: 1 },
    { name: 'a key of 251 bytes', from: 'client', bytes: '\x80\0\0\xfb\0\0', rejectedAt: 3 },
    { name: 'get without a key', from: 'client', bytes: '\x80\0\0\0\0\0', rejectedAt: 3 },
    { name: 'get with extras', from: 'client', bytes: '\x80\0\0\x05\x04\0', rejectedAt: 4 },
    { name: 'another data type', from: 'client', bytes: '\x80\0\0\x05\0\x01', rejectedAt: 5 },
    { name: 'a body past 16 MiB', from: 'client', bytes: '\x80\x01\0\x05\x08\0\0\0\x01\0\0\x12', rejectedAt: 8 },
    { name: 'get with a value', from: 'client', bytes: '\x80\0\0\x05\0\0\0\0\0\0\0\x06', rejectedAt: 11 },
    { name: 'a body smaller than the key', from: 'client', bytes: '\x80\0\0\x05\0\0\0\0\0\0\0\x04', rejectedAt: 11 },
    { name: 'DELETED, which beanstalkd says too', from: 'server', bytes: 'DELETED\r\n', rejectedAt: 0 },
    { name: 'a statistic of another', from: 'server', bytes: 'STAT load 1\r\n', rejectedAt: 5 },
    { name: 'VERSION with a quote', from: 'server', bytes: 'VERSION "1"\r\n', rejectedAt: 8 },
    { name: 'an unknown status', from: 'server', bytes: '\x81\0\0\0\0\0\0\x87', rejectedAt: 7 },
    { name: 'a NetBIOS session request', from: 'server', bytes: '\x81\0\0\x44\x20CKFD', rejectedAt: 4 },
    { name: 'extras of another length', from: 'server', bytes: '\x81\0\0\0\x08\0', rejectedAt: 4 },
  ],
  otherProtocols: [
    { name: 'Redis, inline', from: 'client', bytes: 'SET key value\r\n' },
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n\r\n' },
    { name: 'beanstalkd', from: 'client', bytes: 'put 0 0 60 5\r\nhello\r\n' },
    { name: 'beanstalkd', from: 'server', bytes: 'OK 950\r\n---\n' },
    { name: 'Gearman', from: 'server', bytes: 'OK 1.1.20\r\n' },
    { name: 'OpenTSDB', from: 'client', bytes: 'put sys.cpu.user 1356998400 42.5 host=a\n' },
  ],
})

test('is sure of VERSION until its line ends', () => {
  expect(memcached.server!(latin1('VERSION 1.6'))).toBe('sure')
})
