import { GrowingBuffer } from '../../core/growing-buffer.js'
import { type FieldReceiver, HpackDecoder } from '../hpack/hpack-decoder.js'
import type { Http2Failure } from './http2-failure.js'

/** RFC 9113 section 3.4: what a client says before its first frame. */
export const PREFACE = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** RFC 9113 section 4.1: length(3; what follows the header) type(1) flags(1) reserved bit and stream(4), big-endian. */
const FRAME_HEADER_BYTES = 9

const DATA = 0
const HEADERS = 1
const RST_STREAM = 3
const PUSH_PROMISE = 5
const GOAWAY = 7
const CONTINUATION = 9

const END_STREAM = 0x01
const END_HEADERS = 0x04
const PADDED = 0x08
const PRIORITY = 0x20

/** Stream dependency(4) and weight(1), section 6.2. */
const PRIORITY_BYTES = 5
const STREAM_BYTES = 4
const RST_STREAM_BYTES = 4
/** Last stream(4) and error code(4), section 6.8; debug data follows. */
const GOAWAY_BYTES = 8

/** Is told what one side of an HTTP/2 connection says, in its order. */
export interface Http2Handler extends FieldReceiver {
  /** A header block begins: request, response, interim response or trailers of `stream`. `onField` for each field, then its end. */
  onHeaders(stream: number): void
  onHeadersEnd(stream: number, endsStream: boolean): void
  /** The server will answer a request that it has made up: `onField` for each of its fields follows, then `onPromiseEnd`. */
  onPromise(stream: number, promised: number): void
  onPromiseEnd(promised: number): void
  /** A DATA frame with so many bytes of content begins. True: `onDataBytes` shows them; else they may be skipped. */
  onData(stream: number, bytes: number): boolean
  /** Content from `start` up to `end` of `chunk`, which is borrowed. */
  onDataBytes(stream: number, chunk: Uint8Array, start: number, end: number): void
  /** The frame has passed whole, padding too. */
  onDataEnd(stream: number, endsStream: boolean): void
  /** The side has ended inside a DATA frame: so many bytes of content that `onData` named never came. */
  onDataCut(stream: number, missing: number): void
  onReset(stream: number, errorCode: number): void
  onGoAway(lastStream: number, errorCode: number): void
}

type State =
  | 'preface'
  | 'header' // of a frame
  | 'collect' // a payload that is read, or its first bytes
  | 'pad-length' // of a DATA frame
  | 'data'
  | 'pass' // padding, or a frame that says nothing of requests

/**
 * Walks over the frames of one direction of an HTTP/2 connection: RFC 9113 section 4 to 6. Knows no connection and no time.
 *
 * Fed with borrowed chunks cut anywhere, it tells its handler the same. Only header blocks, resets and GOAWAY are read; content is
 * shown to who wants it, and else need not be fed: `skippable` says how many bytes may be passed by with `skip`.
 */
export class Http2FrameReader {
  readonly #handler: Http2Handler
  readonly #decoder: HpackDecoder
  readonly #maxBlockBytes: number
  readonly #header = new Uint8Array(FRAME_HEADER_BYTES)
  #state: State
  #failure: Http2Failure | undefined
  /** Bytes of the preface or of the frame header under way that are there. */
  #have = 0
  #type = 0
  #flags = 0
  #stream = 0
  /** Of the frame's payload, not yet there. */
  #remaining = 0
  /** Bytes of content of a DATA frame that are to come. */
  #content = 0
  #isContentWanted = false
  /** Bytes that `collect` waits for; the rest of the payload is passed. */
  #wanted = 0
  #collected: GrowingBuffer | undefined
  /** The header block that CONTINUATION frames go on with. */
  #block: GrowingBuffer | undefined
  /** What began it. */
  #blockType = 0
  #blockStream = 0
  #blockFlags = 0
  /** In the block's first frame: where it begins, behind a promised stream. */
  #promised = 0

  /** `startsWith`: a client's direction begins with the preface. `maxBlockBytes` bounds a header block, coded and decoded. */
  constructor(handler: Http2Handler, startsWith: 'preface' | 'frame', maxBlockBytes: number) {
    this.#handler = handler
    this.#decoder = new HpackDecoder(maxBlockBytes)
    this.#maxBlockBytes = maxBlockBytes
    this.#state = startsWith === 'preface' ? 'preface' : 'header'
  }

  /** Why it does not go on. */
  get failure(): Http2Failure | undefined {
    return this.#failure
  }

  /** Bytes that may be skipped before more is fed: the rest of a payload that nobody wants. 0 where there are none. */
  get skippable(): number {
    if (this.#state === 'pass') return this.#remaining
    return this.#state === 'data' && !this.#isContentWanted ? this.#remaining : 0
  }

  /** So many bytes have passed unseen: at most `skippable`. */
  skip(bytes: number): void {
    if (bytes === 0) return
    this.#content = Math.max(0, this.#content - bytes)
    this.#remaining -= bytes
    if (this.#remaining === 0) this.#endFrame()
  }

  /** The side has ended. */
  end(): void {
    if (this.#state === 'data' && this.#content > 0) this.#handler.onDataCut(this.#stream, this.#content)
    this.#content = 0
  }

  feed(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length && this.#failure === undefined;) at = this.#step(chunk, at)
  }

  /** Looks at the chunk from `at` on, up to the end of something; the index behind that. */
  #step(chunk: Uint8Array, at: number): number {
    switch (this.#state) {
      case 'preface':
        return this.#readPreface(chunk, at)
      case 'header':
        return this.#readHeader(chunk, at)
      case 'collect':
        return this.#collect(chunk, at)
      case 'pad-length':
        return this.#readPadLength(chunk, at)
      case 'data':
        return this.#passData(chunk, at)
      case 'pass':
        return this.#pass(chunk, at)
    }
  }

  #readPreface(chunk: Uint8Array, at: number): number {
    if (chunk[at] !== PREFACE.charCodeAt(this.#have)) return this.#fail('bad-preface', chunk)
    if (++this.#have === PREFACE.length) {
      this.#have = 0
      this.#state = 'header'
    }
    return at + 1
  }

  #readHeader(chunk: Uint8Array, at: number): number {
    if (this.#have === 0 && chunk.length - at >= FRAME_HEADER_BYTES) {
      this.#beginFrame(chunk, at)
      return at + FRAME_HEADER_BYTES
    }
    const taken = Math.min(FRAME_HEADER_BYTES - this.#have, chunk.length - at)
    for (let i = 0; i < taken; i++) this.#header[this.#have + i] = chunk[at + i]!
    this.#have += taken
    if (this.#have === FRAME_HEADER_BYTES) this.#beginFrame(this.#header, 0)
    return at + taken
  }

  #beginFrame(bytes: Uint8Array, at: number): void {
    this.#have = 0
    this.#remaining = (bytes[at]! << 16) | (bytes[at + 1]! << 8) | bytes[at + 2]!
    this.#type = bytes[at + 3]!
    this.#flags = bytes[at + 4]!
    this.#stream = uint31(bytes, at + 5)
    // Section 6.10: nothing comes between the frames of a header block.
    if ((this.#block !== undefined) !== (this.#type === CONTINUATION)) return void this.#fail('bad-frame')
    switch (this.#type) {
      case DATA:
        return this.#beginData()
      case HEADERS:
      case PUSH_PROMISE:
        return this.#stream === 0 ? void this.#fail('bad-frame') : this.#beginCollect(this.#remaining)
      case CONTINUATION:
        return this.#stream === this.#blockStream ? this.#beginCollect(this.#remaining) : void this.#fail('bad-frame')
      case RST_STREAM:
        return this.#remaining === RST_STREAM_BYTES
          ? this.#beginCollect(RST_STREAM_BYTES)
          : void this.#fail('bad-frame')
      case GOAWAY:
        return this.#remaining >= GOAWAY_BYTES ? this.#beginCollect(GOAWAY_BYTES) : void this.#fail('bad-frame')
      default:
        this.#state = this.#remaining === 0 ? 'header' : 'pass'
    }
  }

  #beginCollect(bytes: number): void {
    if (bytes + (this.#block?.length ?? 0) > this.#maxBlockBytes) return void this.#fail('head-too-large')
    this.#wanted = bytes
    this.#state = 'collect'
    if (bytes === 0) this.#endCollect(NOTHING, 0)
  }

  /** A payload that is there whole is read where it lies; one that is cut is put together first. */
  #collect(chunk: Uint8Array, at: number): number {
    const held = this.#collected?.length ?? 0
    const taken = Math.min(this.#wanted - held, chunk.length - at)
    this.#remaining -= taken
    if (held === 0 && taken === this.#wanted) {
      this.#endCollect(chunk, at)
      return at + taken
    }
    const collected = (this.#collected ??= new GrowingBuffer())
    collected.append(chunk.subarray(at, at + taken))
    if (collected.length === this.#wanted) {
      this.#collected = undefined
      this.#endCollect(collected.take(), 0)
    }
    return at + taken
  }

  /** What was wanted of the payload stands in `bytes` from `at` on. */
  #endCollect(bytes: Uint8Array, at: number): void {
    const end = at + this.#wanted
    this.#state = this.#remaining === 0 ? 'header' : 'pass'
    if (this.#type === RST_STREAM) this.#handler.onReset(this.#stream, uint32(bytes, at))
    else if (this.#type === GOAWAY) this.#handler.onGoAway(uint31(bytes, at), uint32(bytes, at + 4))
    else if (this.#type === CONTINUATION) this.#continueBlock(bytes, at, end)
    else this.#beginBlock(bytes, at, end)
  }

  /** HEADERS and PUSH_PROMISE, sections 6.2 and 6.6: [pad length(1)] [priority(5)] or promised stream(4), block, padding. */
  #beginBlock(bytes: Uint8Array, start: number, payloadEnd: number): void {
    let at = start
    let end = payloadEnd
    if ((this.#flags & PADDED) !== 0) end -= at < end ? bytes[at++]! : Infinity
    if (this.#type === PUSH_PROMISE) {
      if (at + STREAM_BYTES <= end) this.#promised = uint31(bytes, at)
      at += STREAM_BYTES
    } else if ((this.#flags & PRIORITY) !== 0) at += PRIORITY_BYTES
    if (at > end) return void this.#fail('bad-frame')
    this.#blockType = this.#type
    this.#blockStream = this.#stream
    this.#blockFlags = this.#flags
    if ((this.#flags & END_HEADERS) !== 0) return this.#endBlock(bytes, at, end)
    this.#block = new GrowingBuffer()
    this.#block.append(bytes.subarray(at, end))
  }

  #continueBlock(bytes: Uint8Array, start: number, end: number): void {
    const block = this.#block!
    block.append(bytes.subarray(start, end))
    if ((this.#flags & END_HEADERS) === 0) return
    this.#block = undefined
    const whole = block.take()
    this.#endBlock(whole, 0, whole.length)
  }

  #endBlock(bytes: Uint8Array, start: number, end: number): void {
    const isPromise = this.#blockType === PUSH_PROMISE
    const stream = this.#blockStream
    if (isPromise) this.#handler.onPromise(stream, this.#promised)
    else this.#handler.onHeaders(stream)
    const failure = this.#decoder.decode(bytes, start, end, this.#handler)
    if (failure !== undefined) this.#fail(failure)
    else if (isPromise) this.#handler.onPromiseEnd(this.#promised)
    else this.#handler.onHeadersEnd(stream, (this.#blockFlags & END_STREAM) !== 0)
  }

  /** Section 6.1: [pad length(1)] content, padding. */
  #beginData(): void {
    if (this.#stream === 0) return void this.#fail('bad-frame')
    if ((this.#flags & PADDED) === 0) return this.#beginContent(0)
    if (this.#remaining === 0) return void this.#fail('bad-frame')
    this.#state = 'pad-length'
  }

  #readPadLength(chunk: Uint8Array, at: number): number {
    this.#remaining--
    const padding = chunk[at]!
    if (padding > this.#remaining) return this.#fail('bad-frame', chunk)
    this.#beginContent(padding)
    return at + 1
  }

  #beginContent(padding: number): void {
    this.#content = this.#remaining - padding
    this.#isContentWanted = this.#handler.onData(this.#stream, this.#content)
    this.#state = 'data'
    if (this.#remaining === 0) this.#endFrame()
  }

  #passData(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#remaining, chunk.length - at)
    const content = Math.min(this.#content, taken)
    if (this.#isContentWanted && content > 0) this.#handler.onDataBytes(this.#stream, chunk, at, at + content)
    this.#content -= content
    this.#remaining -= taken
    if (this.#remaining === 0) this.#endFrame()
    return at + taken
  }

  #pass(chunk: Uint8Array, at: number): number {
    const taken = Math.min(this.#remaining, chunk.length - at)
    this.#remaining -= taken
    if (this.#remaining === 0) this.#endFrame()
    return at + taken
  }

  #endFrame(): void {
    const wasData = this.#state === 'data'
    this.#state = 'header'
    if (wasData) this.#handler.onDataEnd(this.#stream, (this.#flags & END_STREAM) !== 0)
  }

  /** Nothing of `chunk` is looked at any more. */
  #fail(failure: Http2Failure, chunk: Uint8Array = NOTHING): number {
    this.#failure ??= failure
    return chunk.length
  }
}

const NOTHING = new Uint8Array(0)

function uint32(bytes: Uint8Array, at: number): number {
  return ((bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!) >>> 0
}

/** Without its first bit, which is reserved. */
function uint31(bytes: Uint8Array, at: number): number {
  return uint32(bytes, at) & 0x7fff_ffff
}
