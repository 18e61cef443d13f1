import { describe, expect, test } from 'vitest'
import type { Connection } from '../../../src/core/connection.js'
import type { Side } from '../../../src/core/side.js'
import type { Facts } from '../../../src/core/sniffer.js'
import { tlsUpgrades } from '../../../src/plugins/tls-upgrades/tls-upgrades.js'
import { clientHello } from '../../support/client-hello.js'
import { latin1 } from '../describe-sniffer.js'

const HELLO = (await clientHello({ servername: 'inner.example' })).toString('latin1')
const SERVER_HELLO = '\x16\x03\x03\0\x7a\x02\0\0\x76\x03\x03'
const LDAP_START_TLS = '\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037'
const LDAP_BIND = '\x30\x0c\x02\x01\x02\x60\x07\x02\x01\x03\x04\0\x80\0'
/** A search, passed over by its length, of what is looked at less the request for TLS and the largest hello. */
const LDAP_SEARCH_OF_64_KIB_ALMOST = `\x30\x82\xc0\0\x02\x01\x01\x63\x82${'\x16\x03\x01'.repeat(0x4000).slice(0, 0xc000 - 5)}`
const LDAP_BIND_WITH_THE_OID_AS_PASSWORD =
  '\x30\x22\x02\x01\x01\x60\x1d\x02\x01\x03\x04\0\x80\x161.3.6.1.4.1.1466.20037'
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
  ['ftp', 'auth tls-p\r\n', true],
  ['ftp', 'AUTH GSSAPI\r\n', false],
  ['nntp', 'CAPABILITIES\r\nSTARTTLS\r\n', true],
  ['irc', 'CAP LS 302\r\nSTARTTLS\r\n', true],
  [
    'xmpp',
    "<?xml version='1.0'?><stream:stream to='a.example'><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>",
    true,
  ],
  ['xmpp', "<stream:stream><<starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'></starttls>", true],
  ['xmpp', "<stream:stream><starttls xmlns='urn:ietf:params:xml:ns:xmpp-tls'/>\r\n", true],
  ['xmpp', "<stream:stream to='a.example'>", false],
  ['xmpp', '<stream:stream><starttls/', false],
  ['ldap', LDAP_START_TLS, true],
  ['ldap', LDAP_BIND + LDAP_START_TLS, true],
  ['ldap', LDAP_BIND, false],
  ['ldap', LDAP_SEARCH_OF_64_KIB_ALMOST + LDAP_START_TLS, true],
  ['ldap', '\x30\x84\0\0\0\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037', true], // a length in four octets
  ['ldap', LDAP_BIND_WITH_THE_OID_AS_PASSWORD, false],
  ['ldap', LDAP_START_TLS + LDAP_BIND, false],
  ['mysql', mysqlPacket(32, '\xae'), true],
  ['mysql', mysqlPacket(32, '\xa6'), false], // without CLIENT_SSL
  ['mysql', mysqlPacket(90, '\xae'), false], // a login
  ['mysql', '\xff\xff\xff\x01\x85\xae\xff\x01', false], // the largest packet there is
  ['mysql', mysqlPacket(32, '\xae') + mysqlPacket(32, '\xae'), false],
  ['postgres', POSTGRES_SSL, true],
  ['postgres', POSTGRES_GSSENC + POSTGRES_SSL, true],
  ['postgres', POSTGRES_SSL + POSTGRES_GSSENC, false],
  ['postgres', POSTGRES_STARTUP, false],
  ['postgres', POSTGRES_GSSENC + '\0\0\0\x08GSSx', false], // agreed to: what follows is GSSAPI's
  ['nats', '', true],
  ['nats', 'CONNECT {}\r\n', false],
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

test('stops looking when the server has answered the hello, and after 64 KiB without one', () => {
  expect(follow('smtp', [latin1('STARTTLS\r\n'), latin1(HELLO)]).isDone).toBe(true)
  expect(follow('smtp', [latin1('STARTTLS\r\n'), latin1(HELLO)], '').isDone).toBe(false)
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

describe('what the server says to the hello', () => {
  const said = [latin1(`STARTTLS\r\n${HELLO}`)]

  test.each([
    ['a ServerHello', SERVER_HELLO],
    ['an alert, as for a name that it does not know', '\x15\x03\x03\0\x02\x02\x70'],
  ])('%s: it is TLS', (_title, answer) => {
    expect(follow('smtp', said, answer)).toMatchObject({
      facts: { upgrade: 'tls', sni: 'inner.example' },
      isDone: true,
    })
  })

  // RFC 3207 section 4.1: 454 and 503 refuse. openssl s_client says its hello nevertheless.
  test.each([
    ['an answer in the clear', '500 unrecognized command\r\n'],
    ['the first byte of a handshake alone', '\x16\x16\x03'],
    ['a version that TLS does not have', '\x16\x03\x05'],
    ['application data', '\x17\x03\x03'],
  ])('%s: it is none, and the trace says so', (_title, answer) => {
    const { facts, steps, isDone } = follow('smtp', said, answer)
    expect(facts).toEqual({})
    expect(steps).toEqual(['upgrade: the client began TLS, for inner.example; the server did not'])
    expect(isDone).toBe(true)
  })

  test('nothing: nothing is said of TLS', () => {
    expect(follow('smtp', said, '')).toMatchObject({ facts: {}, steps: [], isDone: false })
  })
})

test('takes an alert that comes before the hello is whole, and what the server said in the clear, for what they are', () => {
  const { facts, hear } = conversation('smtp')
  hear('server', '220 mail.example ESMTP\r\n')
  hear('client', `STARTTLS\r\n`)
  hear('server', '220 go ahead\r\n')
  hear('client', HELLO.slice(0, 100))
  hear('server', '\x15\x03\x01\0\x02\x02\x28')
  expect(facts()).toEqual({})
  hear('client', HELLO.slice(100))
  expect(facts()).toMatchObject({ upgrade: 'tls', sni: 'inner.example' })
})

test("gives TLS's version a name of its own: the outer protocol may have one", () => {
  const { facts } = follow('mysql', [latin1(mysqlPacket(32, '\xae') + HELLO)])
  expect(facts).toMatchObject({ tlsVersion: 'TLSv1.3' })
  expect(facts).not.toHaveProperty('version')
})

test('says that a hello without a name came, too', async () => {
  const unnamed = (await clientHello()).toString('latin1')
  const { facts, steps } = follow('smtp', [latin1(`STARTTLS\r\n${unnamed}`)])
  expect(facts).toMatchObject({ upgrade: 'tls' })
  expect(facts).not.toHaveProperty('sni')
  expect(steps).toEqual(['upgrade: to TLS'])
})

/** Shows the observer of a protocol what its client says, and then what the server answers byte by byte. */
function follow(
  protocol: string,
  chunks: readonly Uint8Array[],
  answer = SERVER_HELLO,
): { readonly facts: Facts; readonly steps: readonly string[]; readonly isDone: boolean } {
  const { facts, steps, isDone, hear } = conversation(protocol)
  for (const chunk of chunks) hear('client', chunk)
  for (const byte of latin1(answer)) hear('server', Uint8Array.of(byte))
  return { facts: facts(), steps, isDone: isDone() }
}

interface Conversation {
  readonly facts: () => Facts
  readonly steps: readonly string[]
  readonly isDone: () => boolean
  readonly hear: (side: Side, bytes: Uint8Array | string) => void
}

/** An observer of a protocol. Each chunk is in memory that is overwritten afterwards. */
function conversation(protocol: string): Conversation {
  let facts: Facts = {}
  let isDone = false
  const steps: string[] = []
  const connection = {
    addFacts: (added: Facts) => (facts = { ...facts, ...added }),
    trace: { add: (step: string, _verdict: string, note: string) => steps.push(`${step}: ${note}`) },
  } as unknown as Connection
  const observer = tlsUpgrades.find((one) => one.protocol === protocol)!.create(connection)!
  return {
    facts: () => facts,
    steps,
    isDone: () => isDone,
    hear: (side, bytes) => {
      const borrowed = typeof bytes === 'string' ? latin1(bytes).slice() : bytes.slice()
      if (!isDone) observer.onBytes(side, borrowed, { skip: () => expect.unreachable(), done: () => (isDone = true) })
      borrowed.fill(0xa5)
    },
  }
}
