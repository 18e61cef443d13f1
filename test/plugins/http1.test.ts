import { describe, expect, test } from 'vitest'
import { Detection, SnifferPlan } from '../../src/core/detection.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { http1 } from '../../src/plugins/http1.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const LONG_TARGET = `/${'a'.repeat(8000)}`
const GET = { method: 'GET' }
/** Bytes after which a request line that is not over is recognised, or is not. */
const BOUND = 8192

const method = (name: string) => ({ method: name })
const host = (name: string) => ({ method: 'GET', host: name })
/** A whole head, of these field lines. */
const head = (...fields: readonly string[]) => `GET / HTTP/1.1\r\n${fields.map((line) => `${line}\r\n`).join('')}\r\n`

/** A whole head whose request line goes on behind the bound. */
function longLine(start: string): string {
  return `${start}${'a'.repeat(BOUND)} HTTP/1.1\r\nHost: b\r\n\r\n`
}

describeSniffer(http1, {
  matches: [
    { name: 'HTTP/1.0', from: 'client', bytes: 'GET / HTTP/1.0\r\n\r\n', yesAfter: 14, facts: GET },
    { name: 'a minor version to come', from: 'client', bytes: 'GET / HTTP/1.2\r\n\r\n', yesAfter: 14, facts: GET },
    { name: 'bare line feeds', from: 'client', bytes: 'GET / HTTP/1.1\nHost: a\n\n', yesAfter: 14, facts: host('a') },
    {
      name: 'a method in lower case',
      from: 'client',
      bytes: 'get / HTTP/1.1\r\n\r\n',
      yesAfter: 14,
      facts: method('get'),
    },
    {
      name: 'a cache method',
      from: 'client',
      bytes: 'PURGE /x HTTP/1.1\r\n\r\n',
      yesAfter: 17,
      facts: method('PURGE'),
    },
    {
      name: 'WebDAV',
      from: 'client',
      bytes: 'PROPFIND /dav HTTP/1.1\r\n\r\n',
      yesAfter: 22,
      facts: method('PROPFIND'),
    },
    { name: 'UPnP', from: 'client', bytes: 'M-SEARCH * HTTP/1.1\r\n\r\n', yesAfter: 19, facts: method('M-SEARCH') },
    {
      name: 'a method of 32 characters',
      from: 'client',
      bytes: `${'M'.repeat(32)} / HTTP/1.1\r\n\r\n`,
      yesAfter: 43,
      facts: method('M'.repeat(32)),
    },
    {
      name: 'origin form with query and UTF-8',
      from: 'client',
      bytes: 'GET /\xc3\xa4?q=<|> HTTP/1.1\r\n\r\n',
      yesAfter: 22,
      facts: GET,
    },
    { name: 'a long target', from: 'client', bytes: `GET ${LONG_TARGET} HTTP/1.1\r\n\r\n`, yesAfter: 8014, facts: GET },
    {
      name: 'absolute form',
      from: 'client',
      bytes: 'GET http://a.example/ HTTP/1.1\r\n',
      yesAfter: 30,
      facts: host('a.example'),
    },
    {
      name: 'absolute form of another scheme',
      from: 'client',
      bytes: 'GET ftp://a/ HTTP/1.0\r\n',
      yesAfter: 21,
      facts: host('a'),
    },
    {
      name: 'absolute form and another Host',
      from: 'client',
      bytes: 'GET http://User:Secret@A.example.:80?b HTTP/1.1\r\nHost: b\r\n\r\n',
      yesAfter: 47,
      facts: host('a.example'),
    },
    {
      name: 'absolute form without a host',
      from: 'client',
      bytes: 'GET unix:///run/x HTTP/1.1\r\nHost: b\r\n\r\n',
      yesAfter: 26,
      facts: GET,
    },
    {
      name: 'authority form',
      from: 'client',
      bytes: 'CONNECT h:443 HTTP/1.1\r\n',
      yesAfter: 22,
      facts: { method: 'CONNECT', host: 'h' },
    },
    {
      name: 'authority form of IPv6',
      from: 'client',
      bytes: 'CONNECT [2001:DB8::1]:443 HTTP/1.1\r\n',
      yesAfter: 34,
      facts: { method: 'CONNECT', host: '[2001:db8::1]' },
    },
    {
      name: 'asterisk form',
      from: 'client',
      bytes: 'OPTIONS * HTTP/1.1\r\nHost: a\r\n',
      yesAfter: 18,
      facts: { method: 'OPTIONS', host: 'a' },
    },
    { name: 'PRI in HTTP/1', from: 'client', bytes: 'PRI * HTTP/1.1\r\n\r\n', yesAfter: 14, facts: method('PRI') },
    { name: 'empty lines first', from: 'client', bytes: '\r\n\r\nGET / HTTP/1.1\r\n\r\n', yesAfter: 18, facts: GET },
    {
      name: 'four empty lines first',
      from: 'client',
      bytes: '\r\n\n\r\n\nGET / HTTP/1.1\r\n\r\n',
      yesAfter: 20,
      facts: GET,
    },
    {
      name: 'more behind the version',
      from: 'client',
      bytes: 'GET / HTTP/1.10\r\nHost: a\r\n\r\n',
      yesAfter: 14,
      facts: GET,
    },
    { name: 'half a line end', from: 'client', bytes: 'GET / HTTP/1.1\rHost: a\r\n\r\n', yesAfter: 14, facts: GET },
    {
      name: 'a Host field behind others',
      from: 'client',
      bytes: head('A: b', 'hOsT:\t Shop.Example:8080 \t', 'C: d'),
      yesAfter: 14,
      facts: host('shop.example'),
    },
    {
      name: 'the first Host field of two',
      from: 'client',
      bytes: head('Host: a', 'Host: b'),
      yesAfter: 14,
      facts: host('a'),
    },
    {
      name: 'an address for a host',
      from: 'client',
      bytes: head('Host: [::1]:80'),
      yesAfter: 14,
      facts: host('[::1]'),
    },
    {
      name: 'a host with an underscore',
      from: 'client',
      bytes: head('Host: a_b.example.'),
      yesAfter: 14,
      facts: host('a_b.example'),
    },
    { name: 'an empty Host field', from: 'client', bytes: head('Host:'), yesAfter: 14, facts: GET },
    { name: 'a host of dots', from: 'client', bytes: head('Host: .'), yesAfter: 14, facts: GET },
    { name: 'a host with a control', from: 'client', bytes: head('Host: a\x1b[2J'), yesAfter: 14, facts: GET },
    { name: 'a host with a port that is none', from: 'client', bytes: head('Host: a:b'), yesAfter: 14, facts: GET },
    { name: 'half an address', from: 'client', bytes: head('Host: [::1'), yesAfter: 14, facts: GET },
    { name: 'a host of 254 bytes', from: 'client', bytes: head(`Host: ${'a'.repeat(254)}`), yesAfter: 14, facts: GET },
    {
      name: 'a field that begins like Host',
      from: 'client',
      bytes: head('Hostage: a', 'X-Host: b'),
      yesAfter: 14,
      facts: GET,
    },
    { name: 'a Host field in the body', from: 'client', bytes: `${head('A: b')}Host: a\r\n`, yesAfter: 14, facts: GET },
    {
      name: 'a CR in a line',
      from: 'client',
      bytes: head('A: b\rc', '\rHost: x', 'Host: a'),
      yesAfter: 14,
      facts: host('a'),
    },
    {
      name: 'a long field and then Host',
      from: 'client',
      bytes: head(`A: ${'b'.repeat(2000)}`, 'Host: a'),
      yesAfter: 14,
      facts: host('a'),
    },
    {
      name: 'many fields and then Host',
      from: 'client',
      bytes: head(...Array<string>(300).fill('A: b'), 'Host: a'),
      yesAfter: 14,
      facts: host('a'),
    },
    {
      name: 'Host behind the bound',
      from: 'client',
      bytes: head(`A: ${'b'.repeat(8200)}`, 'Host: a'),
      yesAfter: 14,
      facts: GET,
    },
    { name: 'a target past the bound', from: 'client', bytes: longLine('GET /'), yesAfter: BOUND, facts: GET },
    {
      name: 'absolute form past the bound',
      from: 'client',
      bytes: longLine('GET HTTP://User@A.example:80/'),
      yesAfter: BOUND,
      facts: host('a.example'),
    },
    {
      name: 'what is past the bound and turns out to be none',
      from: 'client',
      bytes: `GET /${'a'.repeat(BOUND)}\r\n`,
      yesAfter: BOUND,
      facts: GET,
    },
    { name: 'a status line', from: 'server', bytes: 'HTTP/1.1 200 OK\r\n', yesAfter: 9 },
    { name: 'HAProxy to a silent client', from: 'server', bytes: 'HTTP/1.0 408 Request Time-out\r\n', yesAfter: 9 },
  ],
  nearMisses: [
    { name: 'HTTP/0.9', from: 'client', bytes: 'GET /index.html\r\n', rejectedAt: 15 },
    { name: 'a major version to come', from: 'client', bytes: 'GET / HTTP/2.0\r\n', rejectedAt: 11 },
    { name: 'the preface of HTTP/2', from: 'client', bytes: 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', rejectedAt: 11 },
    { name: 'a version without minor', from: 'client', bytes: 'GET / HTTP/1.\r\n', rejectedAt: 13 },
    { name: 'a version in lower case', from: 'client', bytes: 'GET / http/1.1\r\n', rejectedAt: 6 },
    { name: 'two spaces before the target', from: 'client', bytes: 'GET  / HTTP/1.1\r\n', rejectedAt: 4 },
    { name: 'two spaces behind the target', from: 'client', bytes: 'GET /  HTTP/1.1\r\n', rejectedAt: 6 },
    { name: 'a control in the target', from: 'client', bytes: 'GET /a\0b HTTP/1.1\r\n', rejectedAt: 6 },
    { name: 'DEL in the target', from: 'client', bytes: 'GET /\x7f HTTP/1.1\r\n', rejectedAt: 5 },
    { name: 'a relative target', from: 'client', bytes: 'GET index.html HTTP/1.1\r\n', rejectedAt: 14 },
    { name: 'a scheme without slashes', from: 'client', bytes: 'GET a:b HTTP/1.1\r\n', rejectedAt: 6 },
    { name: 'a scheme with one slash', from: 'client', bytes: 'GET a:/b HTTP/1.1\r\n', rejectedAt: 7 },
    { name: 'a scheme and nothing else', from: 'client', bytes: 'GET http:// HTTP/1.1\r\n', rejectedAt: 11 },
    { name: 'a scheme without end', from: 'client', bytes: `GET ${'a'.repeat(40)}`, rejectedAt: 36 },
    { name: 'a method with a control', from: 'client', bytes: 'GE\tT / HTTP/1.1\r\n', rejectedAt: 2 },
    { name: 'a method of 33 characters', from: 'client', bytes: `${'M'.repeat(33)} / HTTP/1.1\r\n`, rejectedAt: 32 },
    { name: 'a method that is none', from: 'client', bytes: '*GET / HTTP/1.1\r\n', rejectedAt: 0 },
    { name: 'CONNECT with a path', from: 'client', bytes: 'CONNECT /x HTTP/1.1\r\n', rejectedAt: 8 },
    { name: 'CONNECT of NATS', from: 'client', bytes: 'CONNECT {"verbose":false}\r\n', rejectedAt: 8 },
    { name: 'more than an asterisk', from: 'client', bytes: 'OPTIONS ** HTTP/1.1\r\n', rejectedAt: 9 },
    { name: 'five empty lines', from: 'client', bytes: '\r\n\r\n\r\n\r\n\r\n', rejectedAt: 8 },
    { name: 'half an empty line', from: 'client', bytes: '\rGET / HTTP/1.1\r\n', rejectedAt: 1 },
    { name: 'a word and a target past the bound', from: 'client', bytes: longLine('IMG /'), rejectedAt: BOUND - 1 },
    {
      name: 'a control at the bound',
      from: 'client',
      bytes: `GET /${'a'.repeat(BOUND - 6)}\0`,
      rejectedAt: BOUND - 1,
    },
    { name: 'RTSP', from: 'client', bytes: 'OPTIONS rtsp://a/b RTSP/1.0\r\n', rejectedAt: 19 },
    { name: 'SIP', from: 'client', bytes: 'OPTIONS sip:b@c SIP/2.0\r\n', rejectedAt: 12 },
    { name: 'ICAP', from: 'client', bytes: 'REQMOD icap://a/b ICAP/1.0\r\n', rejectedAt: 18 },
    { name: 'HTTP/2 in a status line', from: 'server', bytes: 'HTTP/2 200\r\n', rejectedAt: 5 },
    { name: 'a status line without space', from: 'server', bytes: 'HTTP/1.1\r\n', rejectedAt: 8 },
    { name: 'a status line without minor', from: 'server', bytes: 'HTTP/1.x 200\r\n', rejectedAt: 7 },
    { name: 'a streaming server', from: 'server', bytes: 'ICY 200 OK\r\n', rejectedAt: 0 },
    { name: 'RTSP of a server', from: 'server', bytes: 'RTSP/1.0 200 OK\r\n', rejectedAt: 0 },
  ],
  otherProtocols: [
    { name: 'a redis command', from: 'client', bytes: '*1\r\n$4\r\nPING\r\n' },
    { name: 'an inline redis command', from: 'client', bytes: 'SET key value\r\n' },
    { name: 'memcached', from: 'client', bytes: 'get key\r\n' },
    { name: 'SMTP mail', from: 'client', bytes: 'MAIL FROM:<a@b.example>\r\n' },
    { name: 'IMAP', from: 'client', bytes: 'a001 LOGIN joe secret\r\n' },
    { name: 'FTP', from: 'client', bytes: 'USER anonymous\r\n' },
    { name: 'STOMP', from: 'client', bytes: 'CONNECT\naccept-version:1.2\n\n\0' },
    { name: 'XMPP', from: 'client', bytes: "<?xml version='1.0'?>" },
    { name: 'a PROXY header', from: 'client', bytes: 'PROXY TCP4 192.0.2.1 192.0.2.2 1 2\r\n' },
    { name: 'OpenTSDB', from: 'client', bytes: 'put sys.cpu 1 2 host=a\n' },
    { name: 'FTP, the server', from: 'server', bytes: '220 (vsFTPd 3.0.3)\r\n' },
  ],
})

test('a binary first message never waits as HTTP: it is rejected by its fourth byte', () => {
  const messages = [
    '\x16\x03\x01\x02\x00', // TLS
    '\0\0\0\x08\x04\xd2\x16\x2f', // PostgreSQL SSLRequest
    '\0\0\0\x2a\0\x12\0\0', // Kafka
    'AMQP\0\0\x09\x01', // AMQP
    '\x10\x1a\0\x04MQTT', // MQTT
    '\x30\x0c\x02\x01\x01', // LDAP
    '\x04\0\0\0\x01', // Cassandra
    'JRMI\0\x02K', // Java RMI
    '\x80\0\0\0\0', // memcached
    '\x05\x01\0', // SOCKS 5
    '\x03\0\0\x13\x0e', // RDP
    '\x82!\x01\0', // Thrift compact
  ]
  for (const message of messages) {
    const bytes = latin1(message)
    const rejected = Array.from(bytes, (_, i) => http1.client!(bytes.subarray(0, i + 1))).indexOf('no-match')
    expect(rejected, message).toBeGreaterThanOrEqual(0)
    expect(rejected, message).toBeLessThanOrEqual(4)
  }
})

test.each([
  ['with the Host field', head('A: b', 'Host: shop.example', 'C: d'), head('A: b', 'Host: shop.example').length - 2],
  ['with the end of a head without one', head('A: b'), head('A: b').length],
  ['with the version where the target has the host', 'CONNECT a:1 HTTP/1.1\r\n', 20],
  ['with a Host field that goes on for too long', head(`Host: ${'a'.repeat(400)}`), 'GET / HTTP/1.1\r\n'.length + 321],
  ['at the bound', head(`A: ${'b'.repeat(9000)}`), 8192],
])('says its facts %s, and is sure until then', (_, text, length) => {
  const bytes = latin1(text)
  const version = text.indexOf('HTTP/1.') + 8
  let seen = 0
  for (let shown = version; shown < length; shown++) {
    expect(http1.client!(bytes.subarray(0, shown), seen), `${shown} bytes`).toBe('sure')
    seen = shown
  }
  expect(http1.client!(bytes.subarray(0, length), seen)).toHaveProperty('facts')
})

describe('a request line that is not over at the bound', () => {
  const atBound = (bytes: Uint8Array) => [BOUND - 1, BOUND].map((length) => http1.client!(bytes.subarray(0, length)))

  test.each([
    ['PROPFIND /', method('PROPFIND')],
    ['VERSION-CONTROL /', method('VERSION-CONTROL')],
    ['\r\n\nGET /', GET],
    ['GET /\xc3\xa4?q=', GET],
    ['GET https://a?', host('a')],
    ['GET http://a', GET],
    ['OPTIONS http://[::1]:80/', { method: 'OPTIONS', host: '[::1]' }],
  ])('is HTTP/1 when it begins with %j', (start, facts) => {
    expect(atBound(latin1(longLine(start)))).toEqual(['need-more', { facts }])
  })

  test.each([
    ['a method in lower case', longLine('get /')],
    ['a cache method', longLine('PURGE /')],
    ['PRI', longLine('PRI /')],
    ['another scheme', longLine('GET ftp://a/')],
    ['a scheme that begins like http', longLine('GET httpx://a/')],
    ['a scheme that http begins like', longLine('GET htt://a/')],
    ['CONNECT', longLine('CONNECT a')],
    ['an end before the version', `GET /${'a'.repeat(BOUND - 6)}\r\n`],
    ['another version', `GET /${'a'.repeat(BOUND - 12)} HTTP/2.0\r\n`],
  ])('is not with %s', (_what, line) => {
    expect(atBound(latin1(line))).toEqual(['need-more', 'no-match'])
  })
})

test('recognises a line by its version or at the bound, wherever the bound cuts it', () => {
  for (let length = BOUND - 20; length <= BOUND + 4; length++) {
    const line = `GET /${'a'.repeat(length - 'GET / HTTP/1.1'.length)} HTTP/1.1`
    const bytes = latin1(`${line}\r\nHost: b\r\n\r\n`)
    const yesAfter = Math.min(line.length, BOUND)
    expect(http1.client!(bytes.subarray(0, yesAfter - 1)), `${length} bytes, one less`).toBe('need-more')
    expect(['need-more', 'no-match'], `${length} bytes`).not.toContain(http1.client!(bytes.subarray(0, yesAfter)))
    expect(http1.client!(bytes), `${length} bytes, and all`).toHaveProperty('facts.method', 'GET')

    // What is wrong with the version is seen before the bound, or never.
    const wrong = latin1(`${line.slice(0, -3)}2.0\r\n\r\n`)
    const verdict = line.length - 2 <= BOUND ? 'no-match' : { facts: GET }
    expect(http1.client!(wrong), `${length} bytes, another version`).toEqual(verdict)
    expect(http1.client!(wrong.subarray(0, BOUND)), `${length} bytes, another version up to the bound`).toEqual(verdict)
  }
})

test('names a long request line alike however it was cut in two', () => {
  const plan = new SnifferPlan(builtInSniffers, (_sniffer, error) => {
    throw error
  })
  const bytes = latin1(longLine('GET http://a.example/?'))
  for (let cut = 1; cut < bytes.length; cut++) {
    const detection = new Detection(plan)
    detection.look('client', bytes.subarray(0, cut))
    expect(detection.isComplete, `cut at ${cut}, the first piece`).toBe(cut >= BOUND)
    detection.look('client', bytes)
    const { protocol, facts } = { protocol: undefined, ...detection.result('unknown') }
    expect({ protocol, facts }, `cut at ${cut}`).toEqual({ protocol: 'http/1', facts: host('a.example') })
  }
})
