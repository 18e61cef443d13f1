import { expect, test } from 'vitest'
import type { Facts } from '../../src/core/sniffer.js'
import { rtsp } from '../../src/plugins/rtsp.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const facts = (method: string, host?: string): Facts => (host === undefined ? { method } : { method, host })

describeSniffer(rtsp, {
  matches: [
    {
      name: 'OPTIONS of the server',
      from: 'client',
      bytes: 'OPTIONS * RTSP/1.0\r\n',
      yesAfter: 18,
      facts: facts('OPTIONS'),
    },
    {
      name: 'DESCRIBE with user, password and port',
      from: 'client',
      bytes: 'DESCRIBE rtsp://Joe:secret@Camera.example:554/a?b RTSP/1.0\r\n',
      yesAfter: 58,
      facts: facts('DESCRIBE', 'camera.example'),
    },
    {
      name: 'RTSP 2.0 over TLS behind us',
      from: 'client',
      bytes: 'PLAY_NOTIFY rtsps://a.example/ RTSP/2.0\r\n',
      yesAfter: 39,
      facts: facts('PLAY_NOTIFY', 'a.example'),
    },
    {
      name: 'a scheme in upper case',
      from: 'client',
      bytes: 'SETUP RTSPU://a RTSP/1.0\r\n',
      yesAfter: 24,
      facts: facts('SETUP', 'a'),
    },
    {
      name: 'a target without a host',
      from: 'client',
      bytes: 'PLAY rtsp:///a RTSP/1.0\r\n',
      yesAfter: 23,
      facts: facts('PLAY'),
    },
    {
      name: 'a long target',
      from: 'client',
      bytes: `SETUP rtsp://a/${'b'.repeat(1900)} RTSP/1.0\r\n`,
      yesAfter: 1924,
      facts: facts('SETUP', 'a'),
    },
    { name: 'a status line', from: 'server', bytes: 'RTSP/1.0 200 OK\r\n', yesAfter: 13 },
    { name: 'a status line without a reason', from: 'server', bytes: 'RTSP/2.0 401 \r\n', yesAfter: 13 },
  ],
  nearMisses: [
    { name: 'a method of no one', from: 'client', bytes: 'DESCRIPE rtsp://a RTSP/1.0\r\n', rejectedAt: 6 },
    { name: 'a method in lower case', from: 'client', bytes: 'describe rtsp://a RTSP/1.0\r\n', rejectedAt: 0 },
    { name: 'a longer method', from: 'client', bytes: 'PLAYING rtsp://a RTSP/1.0\r\n', rejectedAt: 4 },
    { name: 'an asterisk for SETUP', from: 'client', bytes: 'SETUP * RTSP/1.0\r\n', rejectedAt: 6 },
    { name: 'a path alone', from: 'client', bytes: 'DESCRIBE /a RTSP/1.0\r\n', rejectedAt: 9 },
    { name: 'a scheme of HTTP', from: 'client', bytes: 'OPTIONS http://a/ RTSP/1.0\r\n', rejectedAt: 8 },
    { name: 'a scheme with one slash', from: 'client', bytes: 'OPTIONS rtsp:/a RTSP/1.0\r\n', rejectedAt: 14 },
    { name: 'a scheme and nothing else', from: 'client', bytes: 'OPTIONS rtsp:// RTSP/1.0\r\n', rejectedAt: 15 },
    { name: 'a control in the target', from: 'client', bytes: 'SETUP rtsp://a\0b RTSP/1.0\r\n', rejectedAt: 14 },
    { name: 'a version to come', from: 'client', bytes: 'SETUP rtsp://a RTSP/3.0\r\n', rejectedAt: 20 },
    { name: 'version 1.1', from: 'client', bytes: 'SETUP rtsp://a RTSP/1.1\r\n', rejectedAt: 22 },
    { name: 'HTTP with a target of RTSP', from: 'client', bytes: 'OPTIONS rtsp://a HTTP/1.1\r\n', rejectedAt: 17 },
    { name: 'OPTIONS of HTTP', from: 'client', bytes: 'OPTIONS * HTTP/1.1\r\n', rejectedAt: 10 },
    { name: 'no version', from: 'client', bytes: 'SETUP rtsp://a\r\n', rejectedAt: 14 },
    { name: 'a target past the bound', from: 'client', bytes: `SETUP rtsp://${'a'.repeat(2100)}`, rejectedAt: 2047 },
    { name: 'a status line of version 1.1', from: 'server', bytes: 'RTSP/1.1 200 OK\r\n', rejectedAt: 7 },
    { name: 'a status of one digit', from: 'server', bytes: 'RTSP/1.0 2 OK\r\n', rejectedAt: 10 },
    { name: 'a status of class 7', from: 'server', bytes: 'RTSP/1.0 700 OK\r\n', rejectedAt: 9 },
    { name: 'a status of class 0', from: 'server', bytes: 'RTSP/1.0 000 OK\r\n', rejectedAt: 9 },
  ],
  otherProtocols: [
    { name: 'OPTIONS of SIP', from: 'client', bytes: 'OPTIONS sip:b@c SIP/2.0\r\n' },
    { name: 'GET', from: 'client', bytes: 'GET / HTTP/1.1\r\n' },
    { name: 'RECORD of nobody', from: 'client', bytes: 'RECORD\r\n' },
    { name: 'HTTP, the server', from: 'server', bytes: 'HTTP/1.1 200 OK\r\n' },
  ],
})

test('goes on where it was when the target grows byte by byte', () => {
  const bytes = latin1(`SETUP rtsp://a.example/${'b'.repeat(500)} RTSP/1.0\r\n`)
  const whole = bytes.length - 2
  for (let length = 1; length < whole; length++)
    expect(rtsp.client!(bytes.subarray(0, length), length - 1), `${length} bytes`).toBe('need-more')
  expect(rtsp.client!(bytes.subarray(0, whole), whole - 1)).toEqual({ facts: facts('SETUP', 'a.example') })
})
