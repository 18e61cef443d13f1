import { type ByteOrder, uint16, uint32 } from './byte-order.js'
import type { CaptureFormat, CaptureStep } from './capture-format.js'
import { MAX_PACKET_BYTES } from './capture-format.js'

// draft-ietf-opsawg-pcap section 4: magic(4) major(2) minor(2) reserved(4) reserved(4) snap length(4) link type(4).
const FILE_HEADER_BYTES = 24
// Section 5: seconds(4) fraction(4) captured length(4) original length(4), then the packet.
const RECORD_HEADER_BYTES = 16

/** Nanoseconds in a unit of the fraction, by the magic number as its writer meant it. */
const MAGICS: ReadonlyMap<number, number> = new Map([
  [0xa1b2c3d4, 1000],
  [0xa1b23c4d, 1],
])

/** Both byte orders of the magic number, and what the fraction of a second is in. */
interface Magic {
  readonly order: ByteOrder
  readonly fractionNs: number
}

/** Whether a file that begins with these four bytes is a pcap file, and how it writes. */
export function pcapMagic(bytes: Uint8Array): Magic | undefined {
  for (const order of ['big', 'little'] as const) {
    const fractionNs = MAGICS.get(uint32(bytes, 0, order))
    if (fractionNs !== undefined) return { order, fractionNs }
  }
  return undefined
}

/** The classic capture file of tcpdump: draft-ietf-opsawg-pcap. One link type for all of it. */
export class PcapFormat implements CaptureFormat {
  readonly name = 'pcap'
  readonly #order: ByteOrder
  readonly #fractionNs: number
  #linkType: number | undefined
  #minor = 0

  constructor({ order, fractionNs }: Magic) {
    this.#order = order
    this.#fractionNs = fractionNs
  }

  read(bytes: Uint8Array): CaptureStep {
    return this.#linkType === undefined ? this.#readFileHeader(bytes) : this.#readRecord(bytes, this.#linkType)
  }

  #readFileHeader(bytes: Uint8Array): CaptureStep {
    if (bytes.length < FILE_HEADER_BYTES) return { need: FILE_HEADER_BYTES }
    const major = uint16(bytes, 4, this.#order)
    if (major !== 2) return { damage: `pcap of version ${major}, and only version 2 is known` }
    this.#minor = uint16(bytes, 6, this.#order)
    // The upper bits say how long the frame check sequence is (section 4); the lengths in headers make it superfluous.
    this.#linkType = uint32(bytes, 20, this.#order) & 0xffff
    return { done: FILE_HEADER_BYTES }
  }

  #readRecord(bytes: Uint8Array, linkType: number): CaptureStep {
    if (bytes.length < RECORD_HEADER_BYTES) return { need: RECORD_HEADER_BYTES }
    const [captured, originalLength] = this.#lengths(bytes)
    if (captured > MAX_PACKET_BYTES)
      return { damage: `a packet of ${captured} bytes; no packet has more than ${MAX_PACKET_BYTES}` }
    const end = RECORD_HEADER_BYTES + captured
    if (bytes.length < end) return { need: end }
    const time = {
      seconds: uint32(bytes, 0, this.#order),
      nanoseconds: uint32(bytes, 4, this.#order) * this.#fractionNs,
    }
    const packet = { linkType, bytes: bytes.subarray(RECORD_HEADER_BYTES, end), originalLength, time }
    return { done: end, packet }
  }

  /** Writers before version 2.3 had the two lengths the other way round, and some of 2.3: the captured one is never the larger. */
  #lengths(bytes: Uint8Array): readonly [captured: number, original: number] {
    const first = uint32(bytes, 8, this.#order)
    const second = uint32(bytes, 12, this.#order)
    const isSwapped = this.#minor < 3 || (this.#minor === 3 && first > second)
    return isSwapped ? [second, first] : [first, second]
  }
}
