import { isIPv6 } from 'node:net'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { crc32c } from '../../src/protocols/crc32c.js'
import { formatIpBytes, ipBytes } from '../../src/protocols/ip-address.js'
import {
  encodeProxyV1,
  encodeProxyV2,
  MAX_V1_BYTES,
  MAX_V2_BYTES,
  type ProxyHeaderRead,
  readProxyHeader,
} from '../../src/protocols/proxy-protocol.js'

const SIGNATURE = '0d0a0d0a000d0a515549540a'
const IPV4 = 'c0a80001c0a8000b' + 'dcbe' + '01bb' // 192.168.0.1:56510 to 192.168.0.11:443
const IPV6 = '20010db8000000000000000000000001' + '20010db8000000000000000000000002' + 'dcbe' + '01bb'
const SOURCE = { host: '192.168.0.1', port: 56510 }
const DESTINATION = { host: '192.168.0.11', port: 443 }
const SEED = 20261123

/** A version 2 header: `first` is version and command, then family and transport; the length is that of the rest, unless given. */
function v2(first: string, ...rest: (string | Uint8Array)[]): Buffer {
  const body = Buffer.concat(rest.map(bytes))
  return Buffer.concat([bytes(SIGNATURE), bytes(first), Buffer.from([body.length >> 8, body.length & 0xff]), body])
}

function bytes(part: string | Uint8Array): Buffer {
  return typeof part === 'string' ? Buffer.from(part, 'hex') : Buffer.from(part)
}

function tlv(type: number, value: Uint8Array | string): Buffer {
  const content = typeof value === 'string' ? Buffer.from(value) : Buffer.from(value)
  return Buffer.concat([Buffer.from([type, content.length >> 8, content.length & 0xff]), content])
}

/** A header whose CRC32C, the last TLV, is right; or wrong by the bits of `fault`. */
function withChecksum(fault = 0): Buffer {
  const header = v2('2111', IPV4, tlv(0x02, 'shop.example.com'), tlv(0x03, Buffer.alloc(4)))
  header.writeUInt32BE((crc32c(header) ^ fault) >>> 0, header.length - 4)
  return header
}

function read(input: string | Uint8Array, maxBytes = MAX_V2_BYTES): ProxyHeaderRead {
  return readProxyHeader(typeof input === 'string' ? Buffer.from(input, 'latin1') : input, maxBytes)
}

const SSL = Buffer.concat([
  Buffer.from([0x07, 0, 0, 0, 0]),
  tlv(0x21, 'TLSv1.3'),
  tlv(0x22, 'client.example.com'),
  tlv(0x23, 'TLS_AES_256_GCM_SHA384'),
  tlv(0x24, 'RSA-SHA256'),
  tlv(0x25, 'RSA2048'),
])

const longestV1 = `PROXY UNKNOWN ${'f'.repeat(MAX_V1_BYTES - 16)}\r\n`

const VALID: readonly { name: string; input: string | Uint8Array; header: object }[] = [
  {
    name: 'v1 TCP4',
    input: 'PROXY TCP4 192.168.0.1 192.168.0.11 56510 443\r\n',
    header: { version: 1, command: 'proxy', source: SOURCE, destination: DESTINATION, tlvs: [] },
  },
  {
    name: 'v1 TCP4, the widest fields',
    input: 'PROXY TCP4 255.255.255.255 255.255.255.255 65535 65535\r\n',
    header: { source: { host: '255.255.255.255', port: 65535 }, destination: { host: '255.255.255.255', port: 65535 } },
  },
  {
    name: 'v1 TCP6',
    input: 'PROXY TCP6 2001:DB8:0::1 2001:db8::2 56510 443\r\n',
    header: { source: { host: '2001:db8::1', port: 56510 }, destination: { host: '2001:db8::2', port: 443 } },
  },
  {
    name: 'v1 TCP6, the widest fields',
    input: `PROXY TCP6 ${Array(8).fill('ffff').join(':')} ${Array(8).fill('ffff').join(':')} 65535 65535\r\n`,
    header: { source: { host: Array(8).fill('ffff').join(':'), port: 65535 } },
  },
  {
    name: 'v1 TCP6 with IPv4-mapped addresses',
    input: 'PROXY TCP6 ::ffff:10.0.0.1 0:0:0:0:0:FFFF:a00:2 1 2\r\n',
    header: { source: { host: '10.0.0.1', port: 1 }, destination: { host: '10.0.0.2', port: 2 } },
  },
  {
    name: 'v1 with ports of 0',
    input: 'PROXY TCP4 10.0.0.1 10.0.0.2 0 0\r\n',
    header: { source: { host: '10.0.0.1', port: 0 } },
  },
  { name: 'v1 UNKNOWN', input: 'PROXY UNKNOWN\r\n', header: { version: 1, command: 'proxy', tlvs: [] } },
  {
    name: 'v1 UNKNOWN with addresses, which are to be ignored',
    input: 'PROXY UNKNOWN ffff::1 ffff::2 65535 65535\r\n',
    header: { version: 1, command: 'proxy', tlvs: [] },
  },
  { name: 'v1, as long as one may be', input: longestV1, header: { version: 1, command: 'proxy', tlvs: [] } },
  {
    name: 'v2 TCP over IPv4',
    input: v2('2111', IPV4),
    header: { version: 2, command: 'proxy', source: SOURCE, destination: DESTINATION, tlvs: [] },
  },
  { name: 'v2 UDP over IPv4', input: v2('2112', IPV4), header: { source: SOURCE, destination: DESTINATION } },
  {
    name: 'v2 TCP over IPv6',
    input: v2('2121', IPV6),
    header: { source: { host: '2001:db8::1', port: 56510 }, destination: { host: '2001:db8::2', port: 443 } },
  },
  {
    name: 'v2 IPv4-mapped',
    input: v2('2121', '00000000000000000000ffff0a000001', '00000000000000000000ffff0a000002', '00010002'),
    header: { source: { host: '10.0.0.1', port: 1 }, destination: { host: '10.0.0.2', port: 2 } },
  },
  {
    name: 'v2 UNIX',
    input: v2('2131', Buffer.concat([Buffer.from('/run/a.sock'), Buffer.alloc(97)]), Buffer.alloc(108)),
    header: { version: 2, command: 'proxy', unix: { source: '/run/a.sock', destination: '' }, tlvs: [] },
  },
  {
    name: 'v2 UNIX with a path that fills its field',
    input: v2('2132', Buffer.alloc(108, 'a'), Buffer.alloc(108, 'b')),
    header: { unix: { source: 'a'.repeat(108), destination: 'b'.repeat(108) } },
  },
  { name: 'v2 LOCAL', input: v2('2000'), header: { version: 2, command: 'local', tlvs: [] } },
  {
    name: 'v2 LOCAL, whose addresses are to be discarded',
    input: v2('2011', IPV4),
    header: { version: 2, command: 'local', tlvs: [] },
  },
  {
    name: 'v2 LOCAL of a family that nobody knows',
    input: v2('20ff', '0102030405'),
    header: { version: 2, command: 'local', tlvs: [] },
  },
  { name: 'v2 UNSPEC', input: v2('2100'), header: { version: 2, command: 'proxy', tlvs: [] } },
  { name: 'v2 UNSPEC with a TLV', input: v2('2100', tlv(0x02, 'a')), header: { command: 'proxy', authority: 'a' } },
  {
    name: 'v2 ALPN, AUTHORITY, UNIQUE_ID, NETNS, one of its own and an empty one',
    input: v2(
      '2111',
      IPV4,
      tlv(0x01, 'h2'),
      tlv(0x02, 'shop.example.com'),
      tlv(0x05, Buffer.from([1, 2, 3])),
      tlv(0x30, 'blue'),
      tlv(0xea, Buffer.from([9])),
      tlv(0xeb, ''),
    ),
    header: {
      source: SOURCE,
      alpn: 'h2',
      authority: 'shop.example.com',
      uniqueId: Buffer.from([1, 2, 3]),
      netns: 'blue',
    },
  },
  {
    name: 'v2 with a type twice, of which the first holds',
    input: v2('2111', IPV4, tlv(0x02, 'first'), tlv(0x02, 'second')),
    header: { authority: 'first' },
  },
  {
    name: 'v2 with NOOPs, which are padding',
    input: v2('2111', IPV4, tlv(0x04, Buffer.alloc(5)), tlv(0x04, '')),
    header: { source: SOURCE, tlvs: [] },
  },
  {
    name: 'v2 SSL',
    input: v2('2111', IPV4, tlv(0x20, SSL)),
    header: {
      ssl: {
        isTls: true,
        hasCertificate: true,
        isVerified: true,
        version: 'TLSv1.3',
        commonName: 'client.example.com',
        cipher: 'TLS_AES_256_GCM_SHA384',
        signatureAlgorithm: 'RSA-SHA256',
        keyAlgorithm: 'RSA2048',
      },
    },
  },
  {
    name: 'v2 SSL without a certificate: its "verified" means nothing',
    input: v2('2111', IPV4, tlv(0x20, Buffer.from([1, 0, 0, 0, 0]))),
    header: { ssl: { isTls: true, hasCertificate: false, isVerified: false } },
  },
  {
    name: 'v2 SSL with a certificate that failed',
    input: v2('2111', IPV4, tlv(0x20, Buffer.from([5, 0, 0, 0, 1]))),
    header: { ssl: { isTls: true, hasCertificate: true, isVerified: false } },
  },
  { name: 'v2 CRC32C', input: withChecksum(), header: { source: SOURCE, authority: 'shop.example.com' } },
]

describe('valid headers', () => {
  test.each(VALID)('$name', ({ input, header }) => {
    const whole = typeof input === 'string' ? Buffer.from(input, 'latin1') : input
    expect(read(whole)).toMatchObject({ kind: 'header', length: whole.length, header })
  })

  test.each(VALID)('$name, followed by what the client says', ({ input, header }) => {
    const whole = typeof input === 'string' ? Buffer.from(input, 'latin1') : Buffer.from(input)
    const followed = Buffer.concat([whole, Buffer.from('PROXY \r\n\r\n\0 hello')])
    expect(read(followed)).toMatchObject({ kind: 'header', length: whole.length, header })
  })

  test.each(VALID)('$name, cut after any byte, wants more', ({ input }) => {
    const whole = typeof input === 'string' ? Buffer.from(input, 'latin1') : input
    const signature = whole[0] === 0x50 ? 6 : 12
    for (let length = 0; length < whole.length; length++)
      expect(read(whole.subarray(0, length)), `after ${length} bytes`).toEqual({
        kind: 'need-more',
        isBegun: length >= signature,
      })
  })

  test('keeps the TLVs that it does not read, and no NOOP', () => {
    const result = read(v2('2111', IPV4, tlv(0x04, 'xx'), tlv(0xea, Buffer.from([9, 8]))))
    expect(result).toMatchObject({ header: { tlvs: [{ type: 0xea, value: Buffer.from([9, 8]) }] } })
  })
})

describe('what is no header', () => {
  test.each(['GET / HTTP/1.1\r\n', 'PROX', 'PROXX', 'PROXY\r\n', 'proxy TCP4', ' PROXY ', '\x16\x03\x01', 'SSH-2.0-x'])(
    '%j',
    (input) => {
      const isPrefix = 'PROXY '.startsWith(input)
      expect(read(input)).toEqual(isPrefix ? { kind: 'need-more', isBegun: false } : { kind: 'none' })
    },
  )

  test('every byte of the signature of version 2 counts', () => {
    const whole = v2('2111', IPV4)
    for (let at = 0; at < 12; at++) {
      const other = Buffer.from(whole)
      other[at]! ^= 0x01
      expect(read(other), `byte ${at}`).toEqual({ kind: 'none' })
      expect(read(other.subarray(0, at + 1)), `as soon as byte ${at} is there`).toEqual({ kind: 'none' })
    }
  })
})

describe('malformed headers: each one field off', () => {
  test.each([
    ['a family that there is not', 'PROXY TCP5 10.0.0.1 10.0.0.2 1 2\r\n'],
    ['a family in lower case', 'PROXY tcp4 10.0.0.1 10.0.0.2 1 2\r\n'],
    ['UNKNOWN that goes on', 'PROXY UNKNOWNS\r\n'],
    ['no family', 'PROXY \r\n'],
    ['IPv6 under TCP4', 'PROXY TCP4 ::1 10.0.0.2 1 2\r\n'],
    ['IPv4 under TCP6', 'PROXY TCP6 ::1 10.0.0.2 1 2\r\n'],
    ['mixed families', 'PROXY TCP4 10.0.0.1 ::1 1 2\r\n'],
    ['an octet above 255', 'PROXY TCP4 10.0.0.256 10.0.0.2 1 2\r\n'],
    ['an octet with a leading zero', 'PROXY TCP4 010.0.0.1 10.0.0.2 1 2\r\n'],
    ['three octets', 'PROXY TCP4 10.0.1 10.0.0.2 1 2\r\n'],
    ['a host name', 'PROXY TCP4 localhost 10.0.0.2 1 2\r\n'],
    ['an IPv6 zone', 'PROXY TCP6 fe80::1%eth0 fe80::2 1 2\r\n'],
    ['a source port above 65535', 'PROXY TCP4 10.0.0.1 10.0.0.2 65536 2\r\n'],
    ['a destination port above 65535', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 99999\r\n'],
    ['a negative port', 'PROXY TCP4 10.0.0.1 10.0.0.2 -1 2\r\n'],
    ['a port with a leading zero', 'PROXY TCP4 10.0.0.1 10.0.0.2 01 2\r\n'],
    ['a hexadecimal port', 'PROXY TCP4 10.0.0.1 10.0.0.2 0x1 2\r\n'],
    ['a port with an exponent', 'PROXY TCP4 10.0.0.1 10.0.0.2 1e3 2\r\n'],
    ['a port that is a fraction', 'PROXY TCP4 10.0.0.1 10.0.0.2 1.5 2\r\n'],
    ['an empty port', 'PROXY TCP4 10.0.0.1 10.0.0.2  2\r\n'],
    ['a missing port', 'PROXY TCP4 10.0.0.1 10.0.0.2 1\r\n'],
    ['one field too many', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2 3\r\n'],
    ['two spaces', 'PROXY TCP4  10.0.0.1 10.0.0.2 1 2\r\n'],
    ['a space at the end', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2 \r\n'],
    ['a tab', 'PROXY TCP4\t10.0.0.1 10.0.0.2 1 2\r\n'],
    ['an LF alone', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\n\r\n'],
    ['a CR alone', 'PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\r\n'],
  ])('v1: %s', (_name, input) => {
    expect(read(input)).toMatchObject({ kind: 'malformed', problem: expect.any(String) as string })
  })

  test.each([
    ['version 1', v2('1111', IPV4)],
    ['version 3', v2('3111', IPV4)],
    ['command 2', v2('2211', IPV4)],
    ['family 4', v2('2141', IPV4)],
    ['transport 3', v2('2113', IPV4)],
    ['a family without a transport', v2('2110', IPV4)],
    ['a transport without a family', v2('2101', IPV4)],
    ['addresses of IPv4 under IPv6', v2('2121', IPV4)],
    ['addresses of IPv6 under UNIX', v2('2131', IPV6)],
    ['no addresses', v2('2111')],
    ['addresses a byte short', v2('2111', IPV4.slice(2))],
    ['a TLV of one byte', v2('2111', IPV4, '01')],
    ['a TLV of two bytes', v2('2111', IPV4, '0100')],
    ['a TLV a byte longer than the header', v2('2111', IPV4, '01000341 42'.replace(' ', ''))],
    ['a second TLV that is too long', v2('2111', IPV4, tlv(0x01, 'h2'), '02ffff')],
    ['a UNIQUE_ID of 129 bytes', v2('2111', IPV4, tlv(0x05, Buffer.alloc(129)))],
    ['an SSL field of 4 bytes', v2('2111', IPV4, tlv(0x20, Buffer.alloc(4)))],
    [
      'a field in SSL that is too long',
      v2('2111', IPV4, tlv(0x20, Buffer.from('0100000000' + '210004' + '414243', 'hex'))),
    ],
    ['a CRC32C of 3 bytes', v2('2111', IPV4, tlv(0x03, Buffer.alloc(3)))],
    ['a CRC32C twice', v2('2111', IPV4, tlv(0x03, Buffer.alloc(4)), tlv(0x03, Buffer.alloc(4)))],
    ['a CRC32C that is off by one bit', withChecksum(1)],
  ])('v2: %s', (_name, input) => {
    expect(read(input)).toMatchObject({ kind: 'malformed', problem: expect.any(String) as string })
  })

  test('a checksum notices every byte that was changed', () => {
    const whole = withChecksum()
    for (let at = 16; at < whole.length; at++) {
      const other = Buffer.from(whole)
      other[at]! ^= 0x10
      // The type of the checksum itself: without it there is none.
      if (at !== 47) expect(read(other), `byte ${at}`).toMatchObject({ kind: 'malformed' })
    }
  })

  test('version, command and family are refused as soon as they are there', () => {
    expect(read(v2('1111', IPV4).subarray(0, 13)).kind).toBe('malformed')
    expect(read(v2('2211', IPV4).subarray(0, 13)).kind).toBe('malformed')
    expect(read(v2('2141', IPV4).subarray(0, 16)).kind).toBe('malformed')
    expect(read('PROXY TCP5').kind).toBe('malformed')
  })
})

describe('bounds', () => {
  test('a version 1 line of 108 bytes is too long, as soon as 107 are there', () => {
    const line = `PROXY UNKNOWN ${'f'.repeat(MAX_V1_BYTES - 15)}\r\n`
    expect(read(line).kind).toBe('too-long')
    expect(read(line.slice(0, MAX_V1_BYTES)).kind).toBe('too-long')
    expect(read(line.slice(0, MAX_V1_BYTES - 1)).kind).toBe('need-more')
  })

  test('a version 2 header is too long as soon as it says so', () => {
    const header = v2('2111', IPV4, tlv(0x04, Buffer.alloc(1000)))
    expect(read(header, header.length)).toMatchObject({ kind: 'header' })
    expect(read(header, header.length - 1)).toMatchObject({ kind: 'too-long' })
    expect(read(header.subarray(0, 16), header.length - 1)).toMatchObject({ kind: 'too-long' })
    expect(read(header.subarray(0, 15), header.length - 1)).toMatchObject({ kind: 'need-more' })
  })

  test('the longest header that there is can be read', () => {
    const header = v2('2111', IPV4, tlv(0x04, Buffer.alloc(0xffff - 12 - 3)))
    expect(header.length).toBe(MAX_V2_BYTES)
    expect(read(header)).toMatchObject({ kind: 'header', length: MAX_V2_BYTES })
  })
})

const ipv4 = fc.ipV4()
const ipv6 = fc.uint8Array({ minLength: 16, maxLength: 16 }).map(formatIpBytes).filter(isIPv6)
const port = fc.integer({ min: 0, max: 65_535 })
const host = fc.oneof(ipv4, ipv6)

describe('any bytes', () => {
  /** Headers with bytes changed, so that parsing gets beyond the signature. */
  const damaged = fc
    .tuple(
      fc.constantFrom(...VALID.map(({ input }) => (typeof input === 'string' ? Buffer.from(input, 'latin1') : input))),
      fc.array(fc.tuple(fc.nat(400), fc.integer({ min: 0, max: 255 })), { maxLength: 4 }),
    )
    .map(([whole, changes]) => {
      const other = Uint8Array.from(whole)
      for (const [at, byte] of changes) other[at % other.length] = byte
      return other
    })
  const afterSignature = fc.uint8Array({ maxLength: 300 }).map((rest) => Buffer.concat([bytes(SIGNATURE), rest]))
  const anything = fc.oneof(damaged, afterSignature, fc.uint8Array({ maxLength: 300 }))

  test('never throw, and no header is longer than what there is', () => {
    fc.assert(
      fc.property(anything, fc.integer({ min: 107, max: 400 }), (input, maxBytes) => {
        const result = readProxyHeader(input, maxBytes)
        if (result.kind === 'header') expect(result.length).toBeLessThanOrEqual(Math.min(input.length, maxBytes))
      }),
      { seed: SEED, numRuns: 5_000 },
    )
  })

  test('a verdict does not change when more bytes come, however they are cut', () => {
    fc.assert(
      fc.property(anything, (input) => {
        let settled: ProxyHeaderRead | undefined
        let hasBegun = false
        for (let length = 0; length <= input.length; length++) {
          const result = readProxyHeader(input.subarray(0, length), 400)
          if (settled) expect(result).toEqual(settled)
          if (result.kind === 'need-more') {
            expect(hasBegun && !result.isBegun).toBe(false)
            hasBegun = result.isBegun
          } else settled = result
          if (hasBegun) expect(result.kind).not.toBe('none')
        }
      }),
      { seed: SEED, numRuns: 1_000 },
    )
  })
})

describe('headers that we write', () => {
  test.each([
    { from: SOURCE, to: DESTINATION, text: 'PROXY TCP4 192.168.0.1 192.168.0.11 56510 443\r\n' },
    {
      from: { host: '2001:db8::1', port: 1 },
      to: { host: '::1', port: 65535 },
      text: 'PROXY TCP6 2001:db8::1 ::1 1 65535\r\n',
    },
    {
      from: { host: '10.0.0.1', port: 1 },
      to: { host: '::1', port: 2 },
      text: 'PROXY TCP6 ::ffff:10.0.0.1 ::1 1 2\r\n',
    },
    {
      from: { host: '::1', port: 1 },
      to: { host: '10.0.0.1', port: 2 },
      text: 'PROXY TCP6 ::1 ::ffff:10.0.0.1 1 2\r\n',
    },
  ])('$text', ({ from, to, text }) => {
    expect(Buffer.from(encodeProxyV1(from, to)).toString('latin1')).toBe(text)
  })

  test('version 2, byte by byte', () => {
    expect(Buffer.from(encodeProxyV2(SOURCE, DESTINATION)).toString('hex')).toBe(`${SIGNATURE}2111000c${IPV4}`)
    const [from, to] = [
      { host: '2001:db8::1', port: 56510 },
      { host: '2001:db8::2', port: 443 },
    ]
    expect(Buffer.from(encodeProxyV2(from, to)).toString('hex')).toBe(`${SIGNATURE}21210024${IPV6}`)
  })

  test.each([
    ['v1', encodeProxyV1],
    ['v2', encodeProxyV2],
  ] as const)('%s is read back as it was', (_name, encode) => {
    fc.assert(
      fc.property(host, port, host, port, (sourceHost, sourcePort, destinationHost, destinationPort) => {
        const source = { host: sourceHost, port: sourcePort }
        const destination = { host: destinationHost, port: destinationPort }
        const header = encode(source, destination)
        expect(read(header)).toMatchObject({ kind: 'header', length: header.length, header: { source, destination } })
        if (_name === 'v1') expect(header.length).toBeLessThanOrEqual(MAX_V1_BYTES)
      }),
      { seed: SEED },
    )
  })

  test('what is no IP address is refused', () => {
    expect(() => encodeProxyV1({ host: 'localhost', port: 1 }, DESTINATION)).toThrow('localhost is not an IP address')
  })
})

describe('addresses', () => {
  test('are written as the WHATWG URL parser writes them', () => {
    fc.assert(
      fc.property(fc.ipV6(), (literal) => {
        const written = formatIpBytes(ipBytes(literal)!)
        if (isIPv6(written)) expect(`[${written}]`).toBe(new URL(`http://[${literal}]/`).hostname)
        else expect(new URL(`http://[::ffff:${written}]/`).hostname).toBe(new URL(`http://[${literal}]/`).hostname)
      }),
      { seed: SEED },
    )
  })
})

describe('crc32c', () => {
  // RFC 3720 appendix B.4.
  test.each([
    ['32 zeros', Buffer.alloc(32), 0x8a9136aa],
    ['32 ones', Buffer.alloc(32, 0xff), 0x62a8ab43],
    ['0 to 31', Buffer.from(Array.from({ length: 32 }, (_, i) => i)), 0x46dd794e],
    ['31 to 0', Buffer.from(Array.from({ length: 32 }, (_, i) => 31 - i)), 0x113fdb5c],
    ['the check value', Buffer.from('123456789'), 0xe3069283],
  ])('%s', (_name, input, expected) => {
    expect(crc32c(input)).toBe(expected)
  })
})
