import { expect, test } from 'vitest'
import { stomp } from '../../src/plugins/stomp.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const CONNECT = 'CONNECT\naccept-version:1.2\nhost:shop\nlogin:clerk\npasscode:secret\n\n\0'

describeSniffer(stomp, {
  matches: [
    { name: 'CONNECT', from: 'client', bytes: CONNECT, yesAfter: 23, facts: { host: 'shop', user: 'clerk' } },
    {
      name: 'STOMP with CR LF',
      from: 'client',
      bytes: 'STOMP\r\nhost:shop\r\naccept-version:1.2\r\n\r\n\0',
      yesAfter: 12,
      facts: { host: 'shop' },
    },
    { name: 'CONNECT without a header', from: 'client', bytes: 'CONNECT\n\n\0', yesAfter: 10 },
    {
      name: 'headers that are no facts',
      from: 'client',
      bytes: 'CONNECT\nheart-beat:0,0\nhosts:a\n\n\0',
      yesAfter: 19,
    },
    {
      name: 'the first of two',
      from: 'client',
      bytes: 'STOMP\nhost:a\nhost:b\n\n\0',
      yesAfter: 11,
      facts: { host: 'a' },
    },
    { name: 'a header in the body', from: 'client', bytes: 'CONNECT\na:b\n\nhost:shop\n\0', yesAfter: 10 },
    { name: 'a host that no terminal should show', from: 'client', bytes: 'STOMP\nhost:a\x1bb\n\n\0', yesAfter: 11 },
    { name: 'a long host', from: 'client', bytes: `STOMP\nhost:${'a'.repeat(129)}\n\n\0`, yesAfter: 11 },
  ],
  nearMisses: [
    { name: 'CONNECT of NATS', from: 'client', bytes: 'CONNECT {"verbose":false}\r\n', rejectedAt: 7 },
    { name: 'CONNECT of HTTP', from: 'client', bytes: 'CONNECT a.example:443 HTTP/1.1\r\n', rejectedAt: 7 },
    { name: 'CONNECTED', from: 'client', bytes: 'CONNECTED\nversion:1.2\n\n\0', rejectedAt: 7 },
    { name: 'another frame', from: 'client', bytes: 'SEND\ndestination:/queue/a\n\n\0', rejectedAt: 1 },
    { name: 'lower case', from: 'client', bytes: 'connect\nhost:a\n\n\0', rejectedAt: 0 },
    { name: 'CR alone', from: 'client', bytes: 'CONNECT\rhost:a\n\n\0', rejectedAt: 8 },
    { name: 'a body where there is none', from: 'client', bytes: 'CONNECT\n\nhello\0', rejectedAt: 9 },
    { name: 'a line without a colon', from: 'client', bytes: 'STOMP\nhello\n\n\0', rejectedAt: 11 },
    { name: 'a header without a name', from: 'client', bytes: 'STOMP\n:a\n\n\0', rejectedAt: 6 },
    { name: 'a name with a space', from: 'client', bytes: 'STOMP\nmy host:a\n\n\0', rejectedAt: 8 },
    { name: 'a name past its bound', from: 'client', bytes: `STOMP\n${'a'.repeat(65)}:a\n`, rejectedAt: 70 },
  ],
  otherProtocols: [{ name: 'SMTP over STARTTLS', from: 'client', bytes: 'STARTTLS\r\n' }],
})

test('is sure of the name until its headers end', () => {
  const bytes = latin1(CONNECT)
  const whole = CONNECT.indexOf('\n\n') + 2
  for (let length = 23; length < whole; length++) expect(stomp.client!(bytes.subarray(0, length))).toBe('sure')
  expect(stomp.client!(bytes.subarray(0, whole))).toEqual({ facts: { host: 'shop', user: 'clerk' } })
})

test('does not wait for headers that do not end', () => {
  const bytes = latin1(`CONNECT\nhost:shop\n${'a'.repeat(400)}`)
  expect(stomp.client!(bytes.subarray(0, 255))).toBe('sure')
  expect(stomp.client!(bytes.subarray(0, 256))).toEqual({ facts: { host: 'shop' } })
  expect(stomp.client!(bytes)).toEqual({ facts: { host: 'shop' } })
})
