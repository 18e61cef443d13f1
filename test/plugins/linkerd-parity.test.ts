import { describe, expect, test } from 'vitest'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { latin1 } from './describe-sniffer.js'

const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'
const TLS_HELLO = latin1(builtInSniffers.find(({ protocol }) => protocol === 'tls')!.samples.client![0]!)

/** What all sniffers together say of the client's bytes: a protocol, `need-more`, or `unknown` where each says no. */
function outcome(bytes: Uint8Array): string {
  for (const sniffer of builtInSniffers) {
    const verdict = sniffer.client?.(bytes) ?? 'no-match'
    if (verdict !== 'no-match') return verdict === 'need-more' ? 'need-more' : sniffer.protocol
  }
  return 'unknown'
}

// Linkerd reads once and decides: what it says of a read with exactly these bytes, run with its own parser (httparse 1.10.1).
describe('says the same as Linkerd', () => {
  test.each([
    ['a request line without its end', 'GET / HTTP/1.1'],
    ['HTTP/1.0', 'GET / HTTP/1.0\r\n\r\n'],
    ['bare line feeds', 'GET / HTTP/1.1\nHost: a\n\n'],
    ['a method in lower case', 'get / HTTP/1.1\r\n\r\n'],
    ['another method', 'PURGE /x HTTP/1.1\r\n\r\n'],
    ['CONNECT', 'CONNECT h:443 HTTP/1.1\r\n\r\n'],
    ['the asterisk', 'OPTIONS * HTTP/1.1\r\n\r\n'],
    ['absolute form', 'GET http://a.example/ HTTP/1.1\r\n\r\n'],
    ['empty lines first', '\r\n\r\nGET / HTTP/1.1\r\n\r\n'],
    ['PRI in HTTP/1', 'PRI * HTTP/1.1\r\n\r\n'],
  ])('HTTP/1: %s', (_, bytes) => {
    expect(outcome(latin1(bytes))).toBe('http/1')
  })

  test.each([
    ['the preface', PREFACE],
    ['the preface and a frame', `${PREFACE}\0\0\0\x04\0\0\0\0\0`],
  ])('HTTP/2: %s', (_, bytes) => {
    expect(outcome(latin1(bytes))).toBe('http/2')
  })

  test.each([
    ['words', 'garbage garbage garbage'],
    ['a line and more', 'foo.bar.blah\r\nbobo'],
    ['HTTP/0.9', 'GET /index.html\r\n'],
    ['HTTP/2.0 in a request line', 'GET / HTTP/2.0\r\n\r\n'],
    ['two spaces', 'GET  / HTTP/1.1\r\n\r\n'],
    ['memcached version', 'version\r\n'],
    ['ICAP', 'REQMOD icap://icap.example/reqmod ICAP/1.0\r\n'],
    ['a MySQL handshake response', '\x20\0\0\x01\x8d\xa6\x0f\0\0\0\0\x01\x21'],
    ['JSON lines', '{"method":"ping"}\n'],
    ['StatsD', 'page.views:1|c\n'],
    ['Graphite', 'local.random.diceroll 4 1700000000\n'],
    ['OpenTSDB', 'put sys.cpu.user 1356998400 42.5 host=a\n'],
  ])('neither HTTP nor another that we know: %s', (_, bytes) => {
    expect(outcome(latin1(bytes))).toBe('unknown')
  })

  test.each([
    ['TLS', 'tls', TLS_HELLO],
    ['SSH', 'ssh', latin1('SSH-2.0-OpenSSH_9.6\r\n')],
    [
      'MongoDB',
      'mongodb',
      latin1('\x29\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\x14\0\0\0\x10hello\0\x01\0\0\0\0'),
    ],
    ['NATS', 'nats', latin1('CONNECT {"verbose":false}\r\n')],
    ['SMTP', 'smtp', latin1('EHLO client.example\r\n')],
    ['FTP', 'ftp', latin1('USER anonymous\r\nPASS a\r\nSYST\r\n')],
    ['XMPP', 'xmpp', latin1("<stream:stream to='a' xmlns:stream='http://etherx.jabber.org/streams'>")],
    ['RTSP', 'rtsp', latin1('OPTIONS rtsp://example.com/media RTSP/1.0\r\nCSeq: 1\r\n\r\n')],
    ['SIP', 'sip', latin1('INVITE sip:bob@biloxi.example SIP/2.0\r\n')],
    ['PROXY v1', 'proxy-protocol', latin1('PROXY TCP4 192.0.2.1 192.0.2.2 56324 443\r\n')],
    ['PROXY v2', 'proxy-protocol', latin1('\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x0c')],
    ['IMAP', 'imap', latin1('a001 LOGIN joe secret\r\n')],
    ['PostgreSQL SSLRequest', 'postgres', latin1('\0\0\0\x08\x04\xd2\x16\x2f')],
    ['PostgreSQL startup', 'postgres', latin1('\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0')],
    ['Kafka ApiVersions', 'kafka', latin1('\0\0\0\x23\0\x12\0\x03\0\0\0\x01\0\x06client\0\x05java\x063.0.0\0')],
    ['AMQP 0-9-1', 'amqp', latin1('AMQP\0\0\x09\x01')],
    ['MQTT', 'mqtt', latin1('\x10\x11\0\x04MQTT\x04\x02\0\x3c\0\x05hello')],
    ['STOMP', 'stomp', latin1('CONNECT\naccept-version:1.2\nhost:a\n\n\0')],
    ['Cassandra', 'cassandra', latin1('\x04\0\0\0\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.0.0')],
    ['ZooKeeper', 'zookeeper', latin1('ruok\n')],
    ['Redis RESP', 'redis', latin1('*1\r\n$4\r\nPING\r\n')],
    ['Redis inline', 'redis', latin1('PING\r\n')],
    ['Redis inline with arguments', 'redis', latin1('SET key value\r\n')],
    ['memcached get', 'memcached', latin1('get key\r\n')],
    ['memcached set', 'memcached', latin1('set key 0 0 5\r\nvalue\r\n')],
    ['LDAP', 'ldap', latin1('\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0')],
    ['Thrift', 'thrift', latin1('\x80\x01\0\x01\0\0\0\x04ping\0\0\0\0\0')],
  ])('not HTTP, but known to us: %s', (_, protocol, bytes) => {
    expect(outcome(bytes)).toBe(protocol)
  })
})

describe('does better than Linkerd', () => {
  test('waits for a long target, then says HTTP/1', () => {
    expect(outcome(latin1('GET /aaaaaaaaaaaa'))).toBe('need-more')
    expect(outcome(latin1('GET /aaaaaaaaaaaa HTTP/1.1\r\n'))).toBe('http/1')
  })

  test.each([
    ['HTTP/1', 'GET / HTTP/1.1', 'http/1'],
    ['HTTP/2', PREFACE, 'http/2'],
  ])('waits for the rest of %s, however short its first piece', (_, bytes, protocol) => {
    const input = latin1(bytes)
    for (let length = 0; length < input.length; length++) expect(outcome(input.subarray(0, length))).toBe('need-more')
    expect(outcome(input)).toBe(protocol)
  })

  test('compares the whole preface of HTTP/2', () => {
    expect(outcome(latin1('PRI * HTTP/2.0'))).toBe('need-more')
    expect(outcome(latin1('PRI * HTTP/2.0XXXX'))).toBe('unknown')
  })

  test('takes HTTP/1.2 as HTTP/1, and a bad header as an answer, not another protocol', () => {
    expect(outcome(latin1('GET / HTTP/1.2\r\n\r\n'))).toBe('http/1')
    expect(outcome(latin1('GET / HTTP/1.1\r\nHo st: x\r\n\r\n'))).toBe('http/1')
  })

  test.each([
    ['seven empty lines', '\r\n'.repeat(7)],
    ['a word of 33 letters', 'GARBAGE'.repeat(5).slice(0, 33)],
  ])('does not take %s for HTTP/1', (_, bytes) => {
    expect(outcome(latin1(bytes))).toBe('unknown')
  })

  test('waits for the end of a word that could be a method', () => {
    expect(outcome(latin1('GARBAGEGARBAGEGARBAG'))).toBe('need-more')
  })

  test('knows SSH before its line ends', () => {
    expect(outcome(latin1('SSH-2.0-OpenSSH_9.6'))).toBe('ssh')
  })
})
