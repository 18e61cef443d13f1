import { describe, expect, test } from 'vitest'
import { DEFAULT_TABLE_BYTES, type FieldReceiver, HpackDecoder } from '../../../src/protocols/hpack/hpack-decoder.js'

type Field = readonly [name: string, value: string]

function decoder(maxBlockBytes = 65_536, maxTableBytes?: number) {
  const hpack = new HpackDecoder(maxBlockBytes, maxTableBytes)
  /** The fields of a block in hex, or why it cannot be followed. */
  const decode = (hex: string): readonly Field[] | string => {
    const bytes = Uint8Array.from(Buffer.from(hex.replace(/\s/g, ''), 'hex'))
    const fields: Field[] = []
    const failure = hpack.decode(bytes, 0, bytes.length, { onField: ({ name, value }) => fields.push([name, value]) })
    return failure ?? fields
  }
  return { hpack, decode }
}

const request = (path: string, scheme: string): Field[] => [
  [':method', 'GET'],
  [':scheme', scheme],
  [':path', path],
  [':authority', 'www.example.com'],
]

describe('the examples of RFC 7541', () => {
  test('C.2: literal with and without indexing, never indexed, indexed', () => {
    const { hpack, decode } = decoder()
    expect(decode('400a637573746f6d2d6b65790d637573746f6d2d686561646572')).toEqual([['custom-key', 'custom-header']])
    expect(hpack.table).toMatchObject({ count: 1, bytes: 55 })
    expect(decode('040c2f73616d706c652f70617468')).toEqual([[':path', '/sample/path']])
    expect(decode('100870617373776f726406736563726574')).toEqual([['password', 'secret']])
    expect(decode('82')).toEqual([[':method', 'GET']])
    expect(hpack.table).toMatchObject({ count: 1, bytes: 55 })
  })

  test.each([
    [
      'C.3, without',
      '828684410f7777772e6578616d706c652e636f6d',
      '828684be58086e6f2d6361636865',
      '828785bf400a637573746f6d2d6b65790c637573746f6d2d76616c7565',
    ],
    [
      'C.4, with',
      '828684418cf1e3c2e5f23a6ba0ab90f4ff',
      '828684be5886a8eb10649cbf',
      '828785bf408825a849e95ba97d7f8925a849e95bb8e8b4bf',
    ],
  ])('%s Huffman coding: three requests on one connection', (_name, first, second, third) => {
    const { hpack, decode } = decoder()
    expect(decode(first)).toEqual(request('/', 'http'))
    expect(hpack.table.bytes).toBe(57)
    expect(decode(second)).toEqual([...request('/', 'http'), ['cache-control', 'no-cache']])
    expect(hpack.table.bytes).toBe(110)
    expect(decode(third)).toEqual([...request('/index.html', 'https'), ['custom-key', 'custom-value']])
    expect(hpack.table).toMatchObject({ count: 3, bytes: 164 })
  })

  test.each([
    [
      'C.5, without',
      '4803333032580770726976617465611d4d6f6e2c203231204f637420323031332032303a31333a323120474d546e1768747470733a2f2f7777772e6578616d706c652e636f6d',
      '4803333037c1c0bf',
      '88c1611d4d6f6e2c203231204f637420323031332032303a31333a323220474d54c05a04677a69707738666f6f3d4153444a4b48514b425a584f5157454f50495541585157454f49553b206d61782d6167653d333630303b2076657273696f6e3d31',
    ],
    [
      'C.6, with',
      '488264025885aec3771a4b6196d07abe941054d444a8200595040b8166e082a62d1bff6e919d29ad171863c78f0b97c8e9ae82ae43d3',
      '4883640effc1c0bf',
      '88c16196d07abe941054d444a8200595040b8166e084a62d1bffc05a839bd9ab77ad94e7821dd7f2e6c7b335dfdfcd5b3960d5af27087f3672c1ab270fb5291f9587316065c003ed4ee5b1063d5007',
    ],
  ])('%s Huffman coding: responses, in a table of 256 bytes that evicts', (_name, first, second, third) => {
    const { hpack, decode } = decoder()
    expect(decode(`3fe101${first}`)).toEqual([
      [':status', '302'],
      ['cache-control', 'private'],
      ['date', 'Mon, 21 Oct 2013 20:13:21 GMT'],
      ['location', 'https://www.example.com'],
    ])
    expect(hpack.table).toMatchObject({ count: 4, bytes: 222 })
    expect(decode(second)).toMatchObject({ 0: [':status', '307'], length: 4 })
    expect(hpack.table).toMatchObject({ count: 4, bytes: 222 })
    expect(decode(third)).toEqual([
      [':status', '200'],
      ['cache-control', 'private'],
      ['date', 'Mon, 21 Oct 2013 20:13:22 GMT'],
      ['location', 'https://www.example.com'],
      ['content-encoding', 'gzip'],
      ['set-cookie', 'foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1'],
    ])
    expect(hpack.table).toMatchObject({ count: 3, bytes: 215 })
  })
})

describe('the table', () => {
  test('is emptied by a field that is larger than it, which is not kept', () => {
    const { hpack, decode } = decoder()
    decode('400a637573746f6d2d6b65790d637573746f6d2d686561646572')
    const value = '61'.repeat(DEFAULT_TABLE_BYTES)
    expect(decode(`4001617f81 1f ${value}`)).toEqual([['a', 'a'.repeat(DEFAULT_TABLE_BYTES)]])
    expect(hpack.table).toMatchObject({ count: 0, bytes: 0 })
  })

  test('of size 0 keeps nothing', () => {
    const { hpack, decode } = decoder()
    expect(decode('20 4001610162')).toEqual([['a', 'b']])
    expect(hpack.table.count).toBe(0)
    expect(decode('be')).toBe('no-such-index')
  })

  test('takes a name of its own for a new field that evicts it', () => {
    const { decode } = decoder()
    // A table of 36 bytes holds one field of two letters.
    expect(decode('3f05 4001610162')).toEqual([['a', 'b']])
    expect(decode('7e0163')).toEqual([['a', 'c']])
    expect(decode('be')).toEqual([['a', 'c']])
  })

  test('grows past its first room and keeps its order', () => {
    const { hpack, decode } = decoder()
    for (let i = 0; i < 100; i++) decode(`40 01 61 03 ${Buffer.from(String(100 + i)).toString('hex')}`)
    expect(hpack.table.count).toBe(100)
    expect(decode('be')).toEqual([['a', '199']])
    expect(decode('ff22')).toEqual([['a', '100']]) // index 161
    expect(decode('ff23')).toBe('no-such-index')
  })
})

describe('what cannot be followed', () => {
  test.each([
    ['index 0', '80', 'no-such-index'],
    ['an index behind the table', 'be', 'no-such-index'],
    ['the name of an index behind the table', '7e0161', 'no-such-index'],
    ['a field without value', '400161', 'truncated'],
    ['a field without name', '40', 'truncated'],
    ['a value that is cut off', '4001610261', 'truncated'],
    ['an integer that is cut off', 'ff', 'truncated'],
    ['an integer without end', 'ffffffffffffff0f', 'integer-too-large'],
    ['an integer above 2^28', 'ff80808080 7f', 'integer-too-large'],
    ['a size update behind a field', '8220', 'table-too-large'],
    ['a size update above the bound', '3fe2ff03', 'table-too-large'],
    ['padding of more than seven bits', '40 01 61 82 ffff', 'bad-huffman'],
    ['padding of zeros', '40 01 61 81 18', 'bad-huffman'],
    ['EOS inside', '40 01 61 84 fffffffc', 'bad-huffman'],
  ])('%s', (_name, hex, failure) => {
    expect(decoder().decode(hex)).toBe(failure)
  })

  test('more bytes of fields than the bound, by indices too', () => {
    expect(decoder(100).decode('82828282')).toBe('headers-too-large')
    expect(decoder(100).decode(`0001617f01${'61'.repeat(128)}`)).toBe('headers-too-large')
    expect(decoder(200).decode('828282')).toMatchObject({ length: 3 })
  })

  test('stays so', () => {
    const { decode } = decoder()
    decode('80')
    expect(decode('82')).toBe('no-such-index')
  })
})

describe('fields that nobody wants', () => {
  const unwanted = (fields: string[]): FieldReceiver => ({
    wantsField: (id) => id === ':status',
    onField: ({ name, value }) => void fields.push(`${name}=${value}`),
  })
  const bytes = (...parts: (number | string)[]): Uint8Array =>
    Buffer.concat(parts.map((part) => (typeof part === 'number' ? Buffer.of(part) : Buffer.from(part, 'latin1'))))

  test('are passed over where no table keeps them, and kept where one does', () => {
    const decoder = new HpackDecoder(1000)
    const fields: string[] = []
    // x: skipped (0x00), never indexed (0x10), then with indexing (0x40); :status 200 of the static table; then x of the dynamic one.
    const block = bytes(0x00, 1, 'x', 2, 'ab', 0x10, 1, 'x', 2, 'cd', 0x40, 1, 'x', 2, 'ef', 0x88, 0xbe)
    expect(decoder.decode(block, 0, block.length, unwanted(fields))).toBeUndefined()
    expect(fields).toEqual(['x=ef', ':status=200', 'x=ef'])
    expect(decoder.table.count).toBe(1)
  })

  test('still have to end inside of their block, and count as its bytes', () => {
    const cut = bytes(0x00, 1, 'x', 3, 'ab')
    expect(new HpackDecoder(1000).decode(cut, 0, cut.length, unwanted([]))).toBe('truncated')
    const ended = bytes(0x00, 1, 'x')
    expect(new HpackDecoder(1000).decode(ended, 0, ended.length, unwanted([]))).toBe('truncated')
    const large = bytes(0x00, 1, 'x', 100, 'y'.repeat(100))
    expect(new HpackDecoder(50).decode(large, 0, large.length, unwanted([]))).toBe('headers-too-large')
  })
})
