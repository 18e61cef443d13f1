import { describe, expect, test } from 'vitest'
import type { Connection } from '../../../src/core/connection.js'
import type { Facts } from '../../../src/core/sniffer.js'
import { tlsUpgrades } from '../../../src/plugins/tls-upgrades/tls-upgrades.js'
import { clientHello } from '../../support/client-hello.js'
import { latin1 } from '../describe-sniffer.js'

const HELLO = (await clientHello({ servername: 'inner.example' })).toString('latin1')
const LDAP_START_TLS = '\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037'
const LDAP_BIND = '\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\0\x80\0'
const POSTGRES_SSL = '\0\0\0\x08\x04\xd2\x16\x2f'
const POSTGRES_GSSENC = '\0\0\0\x08\x04\xd2\x16\x30'
const POSTGRES_STARTUP = '\0\0\0\x13\0\x03\0\0user\0root\0\0'
const mysqlPacket = (length: number, flags: string): string =>
  `${String.fromCharCode(length)}\0\0\x01\x85${flags}\xff\x01${'\0'.repeat(length - 4)}`

/** Protocol, what the client says in the clear, and whether TLS may follow it. */
const CONVERSATIONS: readonly (readonly [protocol: string, clear: string, isUpgraded: boolean])[] = [
  ['smtp', 'EHLO client.example\r\nSTARTTLS\r\n', true],
  ['smtp', 'EHLO client.example\nstarttls\n', true],
  ['smtp', 'EHLO client.example\r\nSTARTTLS\r\nRSET\r\n', true], // refused at first, or said too much
  ['smtp', 'EHLO client.example\r\n', false],
  ['smtp', 'EHLO STARTTLS\r\n', false],
  ['smtp', 'STARTTLS\r\nMAIL ', false], // in the middle of a line
  ['smtp', `${'A'.repeat(100)}\r\nSTARTTLSX\r\n`, false],
  ['pop3', 'CAPA\r\nSTLS\r\n', true],
  ['pop3', 'CAPA\r\nSTARTTLS\r\n', false],
  ['imap', 'a1 CAPABILITY\r\na2 starttls\r\n', true],
  ['imap', 'STARTTLS\r\n', false],
  ['ftp', 'FEAT\r\nAUTH TLS\r\n', true],
  ['ftp', 'AUTH SSL\r\n', true],
  ['ftp', 'AUTH GSSAPI\r\n', false],
  ['nntp', 'CAPABILITIES\r\nSTARTTLS\r\n', true],
  ['irc', 'CAP LS 302\r\nSTARTTLS\r\n', true],
  [
    'xmpp',
    "<?xml version='1.0'?><stream:stream to='a.example'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    true,
  ],
  ['xmpp', "<stream:stream><<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'></starttls>", true],
  ['xmpp', "<stream:stream to='a.example'>", false],
  ['xmpp', '<stream:stream><starttls/', false],
  ['ldap', LDAP_START_TLS, true],
  ['ldap', LDAP_BIND + LDAP_START_TLS, true],
  ['ldap', LDAP_BIND, false],
  ['ldap', LDAP_START_TLS + LDAP_BIND, false],
  ['mysql', mysqlPacket(32, '\xae'), true],
  ['mysql', mysqlPacket(32, '\xa6'), false], // without CLIENT_SSL
  ['mysql', mysqlPacket(90, '\xae'), false], // a login
  ['mysql', mysqlPacket(32, '\xae') + mysqlPacket(32, '\xae'), false],
  ['postgres', POSTGRES_SSL, true],
  ['postgres', POSTGRES_GSSENC + POSTGRES_SSL, true],
  ['postgres', POSTGRES_SSL + POSTGRES_GSSENC, false],
  ['postgres', POSTGRES_STARTUP, false],
  ['rdp', '\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0', true],
  ['rdp', '\x03\0\0\x0b\x06\xe0\0\0\0\0\0\x03\0\0\x0c\x02\xf0\x80\x7f\x65\x82\x01\x94', false],
]

describe.each(CONVERSATIONS)('%s, after %j,', (protocol, clear, isUpgraded) => {
  const bytes = latin1(clear + HELLO)
  const expected = isUpgraded ? { upgrade: 'tls', sni: 'inner.example' } : {}

  test(`${isUpgraded ? 'follows into' : 'sees no'} TLS, whole, byte by byte and in every two-way split`, () => {
    expect(follow(protocol, [bytes]).facts).toMatchObject(expected)
    expect(
      follow(
        protocol,
        Array.from(bytes, (_, i) => bytes.subarray(i, i + 1)),
      ).facts,
    ).toMatchObject(expected)
    for (let at = 1; at < bytes.length; at++) {
      const { facts } = follow(protocol, [bytes.subarray(0, at), bytes.subarray(at)])
      if (isUpgraded) expect(facts, `cut at ${at}`).toMatchObject(expected)
      else expect(facts, `cut at ${at}`).toEqual({})
    }
  })
})

test('stops looking at the end of the hello, and after 64 KiB without one', () => {
  expect(follow('smtp', [latin1('STARTTLS\r\n'), latin1(HELLO)]).isDone).toBe(true)
  expect(follow('smtp', [latin1('STARTTLS\r\n')]).isDone).toBe(false)
  expect(follow('smtp', [new Uint8Array(64 * 1024)]).isDone).toBe(false)
  expect(follow('smtp', [new Uint8Array(64 * 1024 + 1)]).isDone).toBe(true)
  expect(follow('postgres', [latin1(POSTGRES_STARTUP)]).isDone).toBe(true)
})

test('stops where what begins as TLS is none', () => {
  const { facts, isDone } = follow('smtp', [latin1('STARTTLS\r\n\x16\x03\x01\0\x05\x02')])
  expect(facts).toEqual({})
  expect(isDone).toBe(true)
})

test('says that a hello without a name came, too', async () => {
  const unnamed = (await clientHello()).toString('latin1')
  expect(follow('smtp', [latin1(`STARTTLS\r\n${unnamed}`)]).facts).toMatchObject({ upgrade: 'tls' })
})

/** Shows the observer of a protocol what its client says, each chunk in memory that is overwritten afterwards. */
function follow(protocol: string, chunks: readonly Uint8Array[]): { readonly facts: Facts; readonly isDone: boolean } {
  let facts: Facts = {}
  let isDone = false
  const connection = {
    addFacts: (added: Facts) => (facts = { ...facts, ...added }),
    trace: { add: () => {} },
  } as unknown as Connection
  const observer = tlsUpgrades.find((one) => one.protocol === protocol)!.create(connection)!
  for (const chunk of chunks) {
    const borrowed = chunk.slice()
    if (!isDone) observer.onBytes('client', borrowed, { skip: () => expect.unreachable(), done: () => (isDone = true) })
    borrowed.fill(0xa5)
  }
  return { facts, isDone }
}
