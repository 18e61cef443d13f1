import { describe, expect, test } from 'vitest'
import { ja4, type Ja4Parts } from '../../src/protocols/ja4.js'

const GREASE = 0x1a1a

interface Hello {
  readonly version?: number
  readonly hasServerName?: boolean
  readonly suites?: readonly number[]
  readonly protocol?: string
  readonly extensions?: readonly number[]
  readonly algorithms?: readonly number[]
}

function parts({ version = 0x0304, hasServerName = true, protocol = '', ...lists }: Hello): Ja4Parts {
  const { suites = [], extensions = [], algorithms = [] } = lists
  const numbers = [...suites, ...algorithms].flatMap((value) => [value >> 8, value & 255])
  const bytes = Uint8Array.from([...numbers, ...Buffer.from(protocol, 'latin1')])
  const [suitesEnd, algorithmsEnd] = [2 * suites.length, numbers.length]
  return {
    version,
    hasServerName,
    bytes,
    cipherSuites: { start: 0, end: suitesEnd },
    signatureAlgorithms: { start: suitesEnd, end: algorithmsEnd },
    firstProtocol: { start: algorithmsEnd, end: bytes.length },
    extensions: Uint16Array.from(extensions),
    extensionCount: extensions.length,
  }
}

const hex = (list: string): number[] => list.split(',').map((number) => parseInt(number, 16))

/** The example of "technical_details/JA4.md". */
const EXAMPLE: Hello = {
  suites: hex('1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,009c,009d,002f,0035'),
  extensions: hex('001b,0000,0033,0010,4469,0017,002d,000d,0005,0023,0012,002b,ff01,000b,000a,0015'),
  algorithms: hex('0403,0804,0401,0503,0805,0501,0806,0601'),
  protocol: 'h2',
}

describe('ja4', () => {
  test('makes the example of its specification', () => {
    expect(ja4(parts(EXAMPLE))).toBe('t13d1516h2_8daaf6152771_e5627efa2ab1')
  })

  test('is the same whatever order the lists have but for the algorithms, and with GREASE anywhere', () => {
    const { suites = [], extensions = [], algorithms = [] } = EXAMPLE
    const shuffled = {
      ...EXAMPLE,
      suites: [GREASE, ...suites.toReversed()],
      extensions: [GREASE, ...extensions.toReversed(), 0xfafa],
      algorithms: [GREASE, ...algorithms],
    }
    expect(ja4(parts(shuffled))).toBe('t13d1516h2_8daaf6152771_e5627efa2ab1')
    expect(ja4(parts({ ...EXAMPLE, algorithms: algorithms.toReversed() }))).not.toContain('e5627efa2ab1')
  })

  test('hashes the extensions alone where there are no signature algorithms', () => {
    expect(ja4(parts({ ...EXAMPLE, algorithms: [] }))).toBe('t13d1516h2_8daaf6152771_6d807ffa2a79')
  })

  test.each([
    ['nothing in the lists', {}, 't13d000000_000000000000_000000000000'],
    ['no server name', { hasServerName: false }, 't13i000000_000000000000_000000000000'],
    ['SNI and ALPN alone', { extensions: [0, 16] }, 't13d000200_000000000000_000000000000'],
    ['GREASE alone', { suites: [GREASE], extensions: [GREASE] }, 't13d000000_000000000000_000000000000'],
  ] satisfies [string, Hello, string][])('writes zeros for %s', (_, hello, expected) => {
    expect(ja4(parts(hello))).toBe(expected)
  })

  test.each([
    [0x0304, '13'],
    [0x0303, '12'],
    [0x0302, '11'],
    [0x0301, '10'],
    [0x0300, 's3'],
    [0x7f1c, '00'],
  ])('writes version %i as %s', (version, text) => {
    expect(ja4(parts({ version })).slice(1, 3)).toBe(text)
  })

  test.each([
    ['http/1.1', 'h1'],
    ['a', 'aa'],
    ['\xab', 'ab'],
    ['\xab\xcd', 'ad'],
    ['\x30\xab', '3b'],
    ['\x30\x31\xab\xcd', '3d'],
    ['\x30\xab\xcd\x31', '01'],
  ])('writes the protocol %j as %s', (protocol, text) => {
    expect(ja4(parts({ protocol })).slice(8, 10)).toBe(text)
  })

  test('counts to 99 and no further, and long lists are not remembered', () => {
    const suites = Array.from({ length: 300 }, (_, i) => i + 1)
    const once = ja4(parts({ suites, extensions: Array.from({ length: 120 }, (_, i) => 500 - i) }))
    expect(once).toMatch(/^t13d999900_/)
    expect(ja4(parts({ suites: suites.toReversed(), extensions: suites.slice(0, 1) }))).toContain(once.slice(10, 23))
  })

  test('stays right when more clients have been seen than are remembered', () => {
    for (let i = 0; i < 600; i++) ja4(parts({ suites: [i], extensions: [i + 100] }))
    expect(ja4(parts(EXAMPLE))).toBe('t13d1516h2_8daaf6152771_e5627efa2ab1')
  })
})
