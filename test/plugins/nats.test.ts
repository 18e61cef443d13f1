import { expect, test } from 'vitest'
import { nats } from '../../src/plugins/nats.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const INFO = 'INFO {"server_id":"NA","version":"2.10.22","proto":1} \r\n'

describeSniffer(nats, {
  matches: [
    { name: 'INFO', from: 'server', bytes: INFO, yesAfter: 6, facts: { version: '2.10.22' } },
    {
      name: 'INFO in lower case',
      from: 'server',
      bytes: 'info {"version":"2.0"}\r\n',
      yesAfter: 6,
      facts: { version: '2.0' },
    },
    {
      name: 'INFO behind a tab',
      from: 'server',
      bytes: 'INFO\t{"version":"2.0"}\r\n',
      yesAfter: 6,
      facts: { version: '2.0' },
    },
    { name: 'INFO without a version', from: 'server', bytes: 'INFO {"server_id":"NA"}\r\n', yesAfter: 6 },
    { name: 'a version behind the line', from: 'server', bytes: 'INFO {}\r\n{"version":"1"}\r\n', yesAfter: 6 },
    { name: 'a version in a value', from: 'server', bytes: 'INFO {"a":"\\"version\\":\\"1\\""}\r\n', yesAfter: 6 },
    { name: 'an empty version', from: 'server', bytes: 'INFO {"version":""}\r\n', yesAfter: 6 },
    { name: 'an escape in the version', from: 'server', bytes: 'INFO {"version":"\\u001b"}\r\n', yesAfter: 6 },
    {
      name: 'a version past its bound',
      from: 'server',
      bytes: `INFO {"version":"${'1'.repeat(70)}"}\r\n`,
      yesAfter: 6,
    },
    {
      name: 'a version across the bound',
      from: 'server',
      bytes: `INFO {"a":"${'a'.repeat(4066)}","version":"2.10.22"}\r\n`,
      yesAfter: 6,
    },
    { name: 'CONNECT', from: 'client', bytes: 'CONNECT {"verbose":false}\r\nPING\r\n', yesAfter: 9 },
    { name: 'connect in lower case', from: 'client', bytes: 'connect {}\r\n', yesAfter: 9 },
  ],
  nearMisses: [
    { name: 'CONNECT of HTTP', from: 'client', bytes: 'CONNECT a.example:443 HTTP/1.1\r\n', rejectedAt: 8 },
    { name: 'CONNECT of STOMP', from: 'client', bytes: 'CONNECT\naccept-version:1.2\n\n\0', rejectedAt: 7 },
    { name: 'CONNECTED', from: 'client', bytes: 'CONNECTED {', rejectedAt: 7 },
    { name: 'PING, which Redis has too', from: 'client', bytes: 'PING\r\n', rejectedAt: 0 },
    { name: 'INFO from the client', from: 'client', bytes: 'INFO {}\r\n', rejectedAt: 0 },
    { name: 'INFO without an object', from: 'server', bytes: 'INFO ready\r\n', rejectedAt: 5 },
    { name: 'INFO and two spaces', from: 'server', bytes: 'INFO  {}\r\n', rejectedAt: 5 },
    { name: 'INFORMATION', from: 'server', bytes: 'INFORMATION {}\r\n', rejectedAt: 4 },
    { name: 'an object alone', from: 'server', bytes: '{"version":"1"}\r\n', rejectedAt: 0 },
    { name: 'an object with a sign', from: 'server', bytes: '+INFO {}\r\n', rejectedAt: 0 },
  ],
  otherProtocols: [
    { name: 'Redis INFO', from: 'client', bytes: 'INFO\r\n' },
    { name: 'Redis CONFIG', from: 'client', bytes: 'CONFIG GET *\r\n' },
    { name: 'Faktory', from: 'server', bytes: '+HI {"v":2}\r\n' },
    { name: 'IMAP', from: 'server', bytes: '* OK IMAP4rev1\r\n' },
  ],
})

test('is sure of INFO until its version is there', () => {
  const bytes = latin1(INFO)
  const whole = INFO.indexOf('2.10.22"') + '2.10.22"'.length
  for (let length = 6; length < whole; length++) expect(nats.server!(bytes.subarray(0, length))).toBe('sure')
  expect(nats.server!(bytes.subarray(0, whole))).toEqual({ facts: { version: '2.10.22' } })
})

test('names a server whose INFO does not end, without its version', () => {
  const bytes = latin1(`INFO {"a":"${'a'.repeat(5000)}"`)
  expect(nats.server!(bytes.subarray(0, 4095))).toBe('sure')
  expect(nats.server!(bytes.subarray(0, 4096))).toBe('match')
  expect(nats.server!(bytes)).toBe('match')
})
