import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import { Duplex, Readable } from 'node:stream'
import { connect, type ConnectionOptions } from 'node:tls'
import fc from 'fast-check'
import { calculateJa4, getExtensionData, readTlsClientHello } from 'read-tls-client-hello'
import { beforeAll, describe, expect, test } from 'vitest'
import type { Facts, Sniff } from '../../src/core/sniffer.js'
import { CLIENT_HELLO_PROOF_BYTES, MAX_CLIENT_HELLO_BYTES, sniffClientHello } from '../../src/protocols/client-hello.js'

/** What `node:tls` says first, captured from the stream that it was given. */
async function nodeHello(options: ConnectionOptions): Promise<Buffer> {
  let captured = (_chunk: Buffer): void => {}
  const hello = new Promise<Buffer>((resolve) => (captured = resolve))
  const transport = new Duplex({
    read() {},
    write(chunk: Buffer, _encoding, callback) {
      captured(Buffer.from(chunk))
      callback()
    },
  })
  const socket = connect({ socket: transport, ...options }).on('error', () => {})
  const bytes = await hello
  socket.destroy()
  return bytes
}

/** What `openssl s_client` says first, captured by a listener. */
async function opensslHello(...flags: string[]): Promise<Buffer> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const child = spawn(
    'openssl',
    ['s_client', '-connect', `127.0.0.1:${(server.address() as AddressInfo).port}`, ...flags],
    {
      stdio: ['pipe', 'ignore', 'ignore'],
    },
  )
  try {
    const [socket] = (await once(server, 'connection')) as [Socket]
    const chunks: Buffer[] = []
    let wanted = Infinity
    for await (const chunk of socket as AsyncIterable<Buffer>) {
      chunks.push(chunk)
      const bytes = Buffer.concat(chunks)
      if (bytes.length >= 5) wanted = 5 + bytes.readUInt16BE(3)
      if (bytes.length >= wanted) break
    }
    socket.destroy()
    return Buffer.concat(chunks)
  } finally {
    child.kill()
    server.close()
  }
}

/** The facts as another implementation reads them. */
async function oracle(hello: Buffer): Promise<Facts> {
  const message = await readTlsClientHello(Readable.from([hello], { objectMode: false }))
  const sni = getExtensionData(message, 'sni')?.serverName
  const alpn = getExtensionData(message, 'alpn')?.protocols
  const versions = getExtensionData(message, 'supported_versions')?.versions ?? [message.version]
  const version = VERSION_NAMES[Math.max(...versions.filter((offered) => offered >> 8 === 3)) & 0xff]!
  const ja4 = calculateJa4(message)
  return { ...(sni === undefined ? {} : { sni }), ...(alpn === undefined ? {} : { alpn }), version, ja4 }
}

const VERSION_NAMES = ['SSLv3', 'TLSv1', 'TLSv1.1', 'TLSv1.2', 'TLSv1.3']

function facts(sniff: Sniff): Facts {
  expect(typeof sniff === 'object' || sniff === 'match').toBe(true)
  return typeof sniff === 'object' ? sniff.facts : {}
}

/** The same handshake in records whose fragments have these lengths; the last length is used again and again. */
function inRecords(hello: Uint8Array, ...lengths: number[]): Buffer {
  const message = hello.subarray(5)
  const records: Buffer[] = []
  for (let at = 0, i = 0; at < message.length; i++) {
    const fragment = message.subarray(at, at + lengths[Math.min(i, lengths.length - 1)]!)
    records.push(Buffer.from([22, 3, 1, fragment.length >> 8, fragment.length & 255]), Buffer.from(fragment))
    at += fragment.length
  }
  return Buffer.concat(records)
}

const u16 = (value: number): number[] => [value >> 8, value & 255]
const ascii = (text: string): number[] => [...Buffer.from(text, 'latin1')]

interface HelloParts {
  readonly sessionId?: number[]
  readonly ciphers?: number[]
  readonly compression?: number[]
  /** As type and data; undefined: without the field. */
  readonly extensions?: [number, number[]][]
  readonly extensionsLength?: number
}

/** A hello written by hand, in one record. */
function makeHello(parts: HelloParts): Buffer {
  const { sessionId = [], ciphers = [0x13, 0x01], compression = [0] } = parts
  const extensions = parts.extensions?.flatMap(([type, data]) => [...u16(type), ...u16(data.length), ...data])
  const body = [
    ...[3, 3],
    ...Array<number>(32).fill(0x5a),
    ...[sessionId.length, ...sessionId],
    ...[...u16(ciphers.length), ...ciphers],
    ...[compression.length, ...compression],
    ...(extensions ? [...u16(parts.extensionsLength ?? extensions.length), ...extensions] : []),
  ]
  const message = [1, 0, ...u16(body.length), ...body]
  return Buffer.from([22, 3, 1, ...u16(message.length), ...message])
}

const serverName = (name: string, type = 0): [number, number[]] => {
  const entry = [type, ...u16(name.length), ...ascii(name)]
  return [0, [...u16(entry.length), ...entry]]
}
const alpn = (...names: string[]): [number, number[]] => {
  const list = names.flatMap((name) => [name.length, ...ascii(name)])
  return [16, [...u16(list.length), ...list]]
}

describe('sniffClientHello reads what real clients say', () => {
  const hellos: Record<string, Buffer> = {}
  beforeAll(async () => {
    hellos['node:tls'] = await nodeHello({ servername: 'Shop.Example.com', ALPNProtocols: ['h2', 'http/1.1'] })
    hellos['node:tls 1.2'] = await nodeHello({ servername: 'a.b', minVersion: 'TLSv1.2', maxVersion: 'TLSv1.2' })
    hellos['node:tls 1.3, no SNI'] = await nodeHello({
      servername: '',
      minVersion: 'TLSv1.3',
      ALPNProtocols: ['acme-tls/1'],
    })
    hellos['node:tls, neither'] = await nodeHello({ servername: '' })
    hellos['node:tls, many groups'] = await nodeHello({
      servername: 'x.example',
      ecdhCurve: 'X25519:P-256:P-384:P-521:X448',
    })
    hellos['openssl'] = await opensslHello('-servername', 'shop.example', '-alpn', 'h2,http/1.1')
    hellos['openssl 1.2'] = await opensslHello('-tls1_2', '-servername', 'shop.example')
    hellos['openssl 1.3'] = await opensslHello('-tls1_3', '-servername', 'shop.example', '-alpn', 'imap')
    hellos['openssl, no SNI'] = await opensslHello('-noservername')
    hellos['openssl 1.2, no SNI'] = await opensslHello('-noservername', '-tls1_2', '-alpn', 'a,b,c')
  })
  const names = [
    'node:tls',
    'node:tls 1.2',
    'node:tls 1.3, no SNI',
    'node:tls, neither',
    'node:tls, many groups',
    'openssl',
    'openssl 1.2',
    'openssl 1.3',
    'openssl, no SNI',
    'openssl 1.2, no SNI',
  ]

  test.each(names)('%s: as another implementation does', async (name) => {
    const expected = await oracle(hellos[name]!)
    const sni = expected['sni'] as string | undefined
    expect(facts(sniffClientHello(hellos[name]!))).toEqual(
      sni === undefined ? expected : { ...expected, sni: sni.toLowerCase() },
    )
  })

  test('and the oracle has seen names and protocols', async () => {
    expect(await oracle(hellos['openssl']!)).toMatchObject({ sni: 'shop.example', alpn: ['h2', 'http/1.1'] })
    expect(Object.keys(await oracle(hellos['node:tls, neither']!))).toEqual(['version', 'ja4'])
    expect(await oracle(hellos['node:tls 1.2']!)).toMatchObject({ version: 'TLSv1.2' })
    expect(await oracle(hellos['openssl 1.3']!)).toMatchObject({ version: 'TLSv1.3' })
  })

  test.each(names)('%s: every prefix wants more, then is sure, then has the facts for good', (name) => {
    const hello = hellos[name]!
    const whole = sniffClientHello(hello)
    for (let length = 0; length < hello.length; length++) {
      const expected = length < CLIENT_HELLO_PROOF_BYTES ? 'need-more' : 'sure'
      expect(sniffClientHello(hello.subarray(0, length)), `${length} bytes`).toBe(expected)
    }
    expect(sniffClientHello(Buffer.concat([hello, Buffer.from('after the hello')]))).toEqual(whole)
  })

  test.each(names)('%s: split over two records at every byte', (name) => {
    const hello = hellos[name]!
    const whole = sniffClientHello(hello)
    for (let first = 1; first < hello.length - 5; first++) {
      const split = inRecords(hello, first, 16_384)
      expect(sniffClientHello(split), `first fragment of ${first}`).toEqual(whole)
      expect(sniffClientHello(split.subarray(0, -1))).toBe('sure')
      expect(sniffClientHello(split.subarray(0, first + 5 + 4))).toBe(first + 9 < 6 ? 'need-more' : 'sure')
    }
  })

  test.each(names)('%s: in records of one byte, whatever has come of them', (name) => {
    const hello = hellos[name]!
    const split = inRecords(hello, 1)
    for (let length = CLIENT_HELLO_PROOF_BYTES; length < split.length; length++) {
      expect(sniffClientHello(split.subarray(0, length))).toBe('sure')
    }
    expect(sniffClientHello(split)).toEqual(sniffClientHello(hello))
  })
})

describe('sniffClientHello reads', () => {
  const rows: [name: string, extensions: [number, number[]][], expected: Facts][] = [
    ['a name in lower case', [serverName('ShOp.Example')], { sni: 'shop.example' }],
    ['a name without its trailing dot', [serverName('shop.example.')], { sni: 'shop.example' }],
    ['a name with underscores and digits', [serverName('_a-1.x9')], { sni: '_a-1.x9' }],
    ['the first name of several', [serverName('a.b'), serverName('c.d')], { sni: 'a.b' }],
    ['protocols in the order of the client', [alpn('h2', 'http/1.1', 'h2c')], { alpn: ['h2', 'http/1.1', 'h2c'] }],
    [
      'past GREASE',
      [[0x0a0a, []], alpn('\x0a\x0a', 'h2'), [0xfafa, [0]], serverName('a.b')],
      { sni: 'a.b', alpn: ['h2'] },
    ],
    ['past a post-quantum key share', [[51, Array<number>(1700).fill(7)], serverName('a.b')], { sni: 'a.b' }],
    [
      'the outer name of an encrypted hello',
      [[0xfe0d, [0, 1, 2, 3]], serverName('public.example')],
      { sni: 'public.example', ech: true },
    ],
    ['an inner hello, which is never seen in the clear', [[0xfe0d, [1]], serverName('a.b')], { sni: 'a.b' }],
  ]
  test.each(rows)('%s', (_, extensions, expected) => {
    const found = facts(sniffClientHello(makeHello({ extensions })))
    const { version, ja4, ...named } = found
    expect(named).toEqual(expected)
    expect(version).toBe('TLSv1.2')
    expect(ja4).toMatch(/^t12[di]01\d\d..(_[0-9a-f]{12}){2}$/)
  })

  test.each([
    ['no extensions', {}],
    ['an empty list of them', { extensions: [] }],
    ['an empty name', { extensions: [serverName('')] }],
    ['the root as a name', { extensions: [serverName('.')] }],
    ['an empty label', { extensions: [serverName('a..b')] }],
    ['a label of 64', { extensions: [serverName(`${'a'.repeat(64)}.b`)] }],
    ['a name of 254', { extensions: [serverName(`${'a.'.repeat(126)}aa`)] }],
    ['a name with a line feed', { extensions: [serverName('a\nb')] }],
    ['a name with bytes beyond ASCII', { extensions: [serverName('\xe4.example')] }],
    ['an IPv6 address', { extensions: [serverName('::1')] }],
    ['a name of another type', { extensions: [serverName('a.b', 1)] }],
    ['a list of names that is too long', { extensions: [[0, [0, 9, 0, 0, 1, 0x61]]] }],
    ['protocols of length 0', { extensions: [[16, [0, 1, 0]]] }],
    ['a protocol beyond its list', { extensions: [[16, [0, 3, 9, 0x61, 0x62]]] }],
  ] satisfies [string, HelloParts][])('neither name nor protocols from %s', (_, parts) => {
    expect(Object.keys(facts(sniffClientHello(makeHello(parts))))).toEqual(['version', 'ja4'])
  })

  test.each([
    ['an extension beyond the list', { extensions: [serverName('a.b'), [5, [1]]], extensionsLength: 16 }],
    ['a list of extensions beyond the message', { extensions: [serverName('a.b')], extensionsLength: 90 }],
    ['a session id of 33', { sessionId: Array<number>(33).fill(1), extensions: [serverName('a.b')] }],
    ['no cipher suites', { ciphers: [], extensions: [serverName('a.b')] }],
    ['half a cipher suite', { ciphers: [1, 2, 3], extensions: [serverName('a.b')] }],
    ['no compression methods', { compression: [], extensions: [serverName('a.b')] }],
  ] satisfies [string, HelloParts][])('no facts, but TLS, from %s', (_, parts) => {
    expect(sniffClientHello(makeHello(parts))).toBe('match')
  })

  test.each([
    ['the highest of those offered', [0x0303, 0x0304, 0x0302], 'TLSv1.3'],
    ['no GREASE', [0x0a0a, 0x0303, 0xfafa], 'TLSv1.2'],
    ['a draft of TLS 1.3', [0x7f1c, 0x0303], 'TLSv1.3'],
    ['SSL 3.0', [0x0300], 'SSLv3'],
  ])('as the version %s', (_, versions, version) => {
    const list = versions.flatMap(u16)
    const hello = makeHello({ extensions: [[43, [list.length, ...list]]] })
    expect(facts(sniffClientHello(hello))).toMatchObject({ version })
  })

  test('no version from one that nobody knows', () => {
    const hello = makeHello({ extensions: [[43, [2, 9, 9]]] })
    expect(facts(sniffClientHello(hello))).not.toHaveProperty('version')
  })

  test('no facts from a hello with more extensions than there are', () => {
    const extensions = Array.from({ length: 257 }, (_, type): [number, number[]] => [type + 100, []])
    expect(sniffClientHello(makeHello({ extensions }))).toBe('match')
    expect(facts(sniffClientHello(makeHello({ extensions: extensions.slice(1) })))).toMatchObject({
      version: 'TLSv1.2',
    })
  })

  test('no facts from a hello that cannot fit, as soon as its header says so', () => {
    const header = [22, 3, 1, 0x40, 0, 1, ...[0, ...u16(MAX_CLIENT_HELLO_BYTES - 8)]]
    expect(sniffClientHello(Buffer.from(header.slice(0, -1)))).toBe('sure')
    expect(sniffClientHello(Buffer.from(header))).toBe('match')
    expect(sniffClientHello(inRecords(Buffer.from([...header, 0]), 1).subarray(0, 24))).toBe('match')
  })

  test('no facts from a hello whose records fill the window', () => {
    const split = inRecords(makeHello({ extensions: [[21, Array<number>(4000).fill(0)], serverName('a.b')] }), 1)
    expect(sniffClientHello(split.subarray(0, MAX_CLIENT_HELLO_BYTES - 1))).toBe('sure')
    expect(sniffClientHello(split.subarray(0, MAX_CLIENT_HELLO_BYTES))).toBe('match')
  })

  test.each([
    ['of another type', 0, 23],
    ['of another version', 1, 2],
    ['of minor version 5', 2, 5],
    ['of length 0', 4, 0],
  ])('no facts where a record %s comes between', (_, index, value) => {
    const split = inRecords(makeHello({ extensions: [serverName('a.b')] }), 20)
    split[25 + index] = value
    expect(sniffClientHello(split)).toBe('match')
    expect(sniffClientHello(split.subarray(0, 29))).toBe('sure')
  })

  test('no facts from an empty message, in one record or four', () => {
    const empty = Buffer.from([22, 3, 1, 0, 4, 1, 0, 0, 0])
    expect(sniffClientHello(empty)).toBe('match')
    expect(sniffClientHello(inRecords(empty, 1))).toBe('match')
  })
})

describe('sniffClientHello refuses', () => {
  const hello = makeHello({ extensions: [serverName('a.b')] })
  const rows: [name: string, at: number, bytes: number[]][] = [
    ['another kind of record', 0, [23]],
    ['SSL 2', 0, [0x80, 0x2e, 1, 3, 1]],
    ['a major version that is not 3', 1, [22, 2]],
    ['minor version 5', 2, [22, 3, 5]],
    ['a record of more than 2^14', 3, [22, 3, 1, 0x41]],
    ['a record of 2^14 + 1', 4, [22, 3, 1, 0x40, 1]],
    ['an empty record', 4, [22, 3, 1, 0, 0]],
    ['a ServerHello', 5, [22, 3, 3, 0, 80, 2]],
    ['a HelloRequest', 5, [22, 3, 3, 0, 4, 0]],
    ['HTTP', 0, ascii('GET / HTTP/1.1\r\n')],
  ]
  test.each(rows)('%s, at byte %i', (_, at, bytes) => {
    const window = Buffer.concat([Buffer.from(bytes), hello.subarray(bytes.length)])
    for (let length = 0; length <= window.length; length++) {
      const expected = length <= at ? 'need-more' : 'no-match'
      expect(sniffClientHello(window.subarray(0, length)), `${length} bytes`).toBe(expected)
    }
  })

  test('nothing with a throw, and never differently with more bytes', () => {
    const final = (sniff: Sniff): boolean => sniff !== 'need-more'
    const mutation = fc.tuple(fc.nat(hello.length - 1), fc.nat(255))
    fc.assert(
      fc.property(fc.array(mutation, { maxLength: 6 }), fc.nat(60), (mutations, fragment) => {
        const window = inRecords(hello, fragment + 1)
        for (const [at, value] of mutations) window[at % window.length] = value
        const whole = sniffClientHello(window)
        for (let length = 0; length < window.length; length++) {
          const sniff = sniffClientHello(window.subarray(0, length))
          if (!final(sniff)) continue
          if (sniff === 'sure') expect(whole === 'no-match').toBe(false)
          else expect(whole).toEqual(sniff)
        }
      }),
      { seed: 20261123, numRuns: 2000 },
    )
  })
})
