/** Frames of HTTP/2 as a test writes them: RFC 9113 section 4.1. */
export const FLAGS = { endStream: 0x01, endHeaders: 0x04, padded: 0x08, priority: 0x20 } as const

export const TYPES = {
  data: 0,
  headers: 1,
  priority: 2,
  rstStream: 3,
  settings: 4,
  pushPromise: 5,
  ping: 6,
  goAway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

export const CLIENT_PREFACE = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n', 'latin1')

export function frame(type: keyof typeof TYPES | number, flags: number, stream: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(9)
  header.writeUIntBE(payload.length, 0, 3)
  header[3] = typeof type === 'number' ? type : TYPES[type]
  header[4] = flags
  header.writeUInt32BE(stream, 5)
  return Buffer.concat([header, payload])
}

export type Fields = readonly (readonly [name: string, value: string])[]

/** RFC 7541 section 6.2.2, without indexing and without Huffman: 0000 0000, then name and value, each behind its length. */
export function block(fields: Fields): Buffer {
  const string = (text: string): Buffer => {
    const bytes = Buffer.from(text, 'latin1')
    return Buffer.concat([integer(bytes.length), bytes])
  }
  return Buffer.concat(fields.flatMap(([name, value]) => [Buffer.of(0), string(name), string(value)]))
}

/** Section 5.1, with a prefix of seven bits. */
function integer(value: number): Buffer {
  if (value < 0x7f) return Buffer.of(value)
  const bytes = [0x7f]
  let rest = value - 0x7f
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest & 0x7f) | 0x80)
  return Buffer.from([...bytes, rest])
}

/** A whole header block in one frame. */
export function headers(stream: number, fields: Fields, { ends = false } = {}): Buffer {
  return frame('headers', FLAGS.endHeaders | (ends ? FLAGS.endStream : 0), stream, block(fields))
}

export function data(stream: number, content: string | Uint8Array, { ends = false } = {}): Buffer {
  const bytes = typeof content === 'string' ? Buffer.from(content, 'latin1') : content
  return frame('data', ends ? FLAGS.endStream : 0, stream, bytes)
}

/** RFC 9113 section 6.1: pad length(1) content, padding. */
export function paddedData(stream: number, content: string, padding: number, { ends = false } = {}): Buffer {
  const payload = Buffer.concat([Buffer.of(padding), Buffer.from(content, 'latin1'), Buffer.alloc(padding)])
  return frame('data', FLAGS.padded | (ends ? FLAGS.endStream : 0), stream, payload)
}

export function reset(stream: number, errorCode: number): Buffer {
  return frame('rstStream', 0, stream, uint32(errorCode))
}

export function goAway(lastStream: number, errorCode = 0, debug = ''): Buffer {
  return frame('goAway', 0, 0, Buffer.concat([uint32(lastStream), uint32(errorCode), Buffer.from(debug)]))
}

/** The least that asks for something. */
export function request(path = '/', more: Fields = []): Fields {
  return [[':method', 'GET'], [':scheme', 'http'], [':authority', 'shop.example'], [':path', path], ...more]
}

/** gRPC over HTTP/2, "Length-Prefixed-Message": compressed flag(1) length(4) message. */
export function grpcMessage(length: number): Buffer {
  return Buffer.concat([Buffer.of(0), uint32(length), Buffer.alloc(length, 0x61)])
}

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(value)
  return bytes
}
