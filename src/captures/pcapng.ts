import { type ByteOrder, uint16, uint32 } from './byte-order.js'
import { type CaptureFormat, type CaptureStep, MAX_PACKET_BYTES, MAX_RECORD_BYTES } from './capture-format.js'
import { NO_TIME } from './captured-packet.js'
import { PcapngInterface } from './pcapng-interface.js'

// draft-ietf-opsawg-pcapng section 3.1: a block is type(4) total length(4) body, padded to four bytes, total length(4).
const BLOCK_HEADER_BYTES = 8
const MIN_BLOCK_BYTES = 12

/** Section 4.1; reads the same in both byte orders, and ends up garbled where a file was transferred as text. */
const SECTION_HEADER = 0x0a0d0d0a
const BYTE_ORDER_MAGIC = 0x1a2b3c4d
// Type, length, byte-order magic, major(2) minor(2): enough to know how to read the section.
const SECTION_START_BYTES = 16
/** The same, with the length of the section (8) and the closing length. */
const MIN_SECTION_BYTES = 28

const INTERFACE_DESCRIPTION = 1 // section 4.2
const OBSOLETE_PACKET = 2 // appendix A
const SIMPLE_PACKET = 3 // section 4.4
const ENHANCED_PACKET = 6 // section 4.3

/** Bytes of a body before the packet itself, or before the options. */
const FIXED_BYTES: ReadonlyMap<number, number> = new Map([
  [INTERFACE_DESCRIPTION, 8],
  [OBSOLETE_PACKET, 20],
  [SIMPLE_PACKET, 4],
  [ENHANCED_PACKET, 20],
])

/** Interfaces that a section may declare: each packet names one, and the obsolete block has 16 bits for it. */
export const MAX_INTERFACES = 65_536

/** Whether a file that begins with these four bytes is a pcapng file. */
export function isPcapng(bytes: Uint8Array): boolean {
  return uint32(bytes, 0) === SECTION_HEADER
}

/** Wireshark's capture file: sections of either byte order, each with interfaces that have link types of their own. */
export class PcapngFormat implements CaptureFormat {
  readonly name = 'pcapng'
  #order: ByteOrder = 'big'
  #interfaces: PcapngInterface[] = []

  read(bytes: Uint8Array): CaptureStep {
    if (bytes.length < MIN_BLOCK_BYTES) return { need: MIN_BLOCK_BYTES }
    return uint32(bytes, 0) === SECTION_HEADER ? this.#readSection(bytes) : this.#readBlock(bytes)
  }

  #readSection(bytes: Uint8Array): CaptureStep {
    if (bytes.length < SECTION_START_BYTES) return { need: SECTION_START_BYTES }
    const order = orderOf(bytes)
    if (order === undefined) return { damage: 'a section header without its byte-order magic 1a2b3c4d' }
    const length = uint32(bytes, 4, order)
    const major = uint16(bytes, 12, order)
    if (major !== 1) return { damage: `a pcapng section of version ${major}, and only version 1 is known` }
    const problem = lengthProblem(length, MIN_SECTION_BYTES)
    if (problem) return { damage: `a section header ${problem}` }
    this.#order = order
    this.#interfaces = []
    return { done: length }
  }

  #readBlock(bytes: Uint8Array): CaptureStep {
    const type = uint32(bytes, 0, this.#order)
    const length = uint32(bytes, 4, this.#order)
    const fixedBytes = FIXED_BYTES.get(type)
    const problem = lengthProblem(length, MIN_BLOCK_BYTES + (fixedBytes ?? 0))
    if (problem) return { damage: `a block of type ${type} ${problem}` }
    // Names, statistics, secrets, and what the future brings: passed over, whatever their size.
    if (fixedBytes === undefined) return { done: length }
    if (length > MAX_RECORD_BYTES)
      return { damage: `a block of type ${type} with ${length} bytes; no packet needs more than ${MAX_RECORD_BYTES}` }
    if (bytes.length < length) return { need: length }
    if (uint32(bytes, length - 4, this.#order) !== length)
      return { damage: `a block of type ${type} whose two lengths differ` }
    return this.#readBody(type, length, bytes.subarray(BLOCK_HEADER_BYTES, length - 4))
  }

  #readBody(type: number, done: number, body: Uint8Array): CaptureStep {
    if (type !== INTERFACE_DESCRIPTION) return this.#readPacket(done, body, this.#fieldsOf(type, body))
    if (this.#interfaces.length === MAX_INTERFACES) return { damage: `more than ${MAX_INTERFACES} interfaces` }
    this.#interfaces.push(new PcapngInterface(body, this.#order))
    return { done }
  }

  #fieldsOf(type: number, body: Uint8Array): PacketFields {
    const at = (offset: number): number => uint32(body, offset, this.#order)
    if (type === SIMPLE_PACKET) {
      // original length(4) packet: of the first interface, whose snap length says how much of it is there.
      const originalLength = at(0)
      const { snapLength = 0 } = this.#interfaces[0] ?? {}
      return { index: 0, start: 4, captured: Math.min(originalLength, snapLength || originalLength), originalLength }
    }
    // Enhanced: interface(4); obsolete: interface(2) drops(2). Both: time high(4) low(4) captured(4) original(4) packet.
    const index = type === ENHANCED_PACKET ? at(0) : uint16(body, 0, this.#order)
    return { index, start: 20, captured: at(12), originalLength: at(16), timestamp: [at(4), at(8)] }
  }

  #readPacket(done: number, body: Uint8Array, fields: PacketFields): CaptureStep {
    const { index, start, captured, originalLength, timestamp } = fields
    const on = this.#interfaces[index]
    if (on === undefined)
      return { damage: `a packet of interface ${index}, and ${this.#interfaces.length} are declared` }
    if (captured > MAX_PACKET_BYTES || start + captured > body.length)
      return { damage: `a packet of ${captured} bytes in a block that has room for ${body.length - start}` }
    const bytes = body.subarray(start, start + captured)
    const time = timestamp ? on.timeOf(...timestamp) : NO_TIME
    return { done, packet: { linkType: on.linkType, bytes, originalLength, time } }
  }
}

/** What the block of a packet says of it. */
interface PacketFields {
  /** Of the section's interfaces. */
  readonly index: number
  /** Where the packet begins in the body. */
  readonly start: number
  readonly captured: number
  readonly originalLength: number
  /** Absent where the block has none. */
  readonly timestamp?: readonly [high: number, low: number]
}

function orderOf(bytes: Uint8Array): ByteOrder | undefined {
  if (uint32(bytes, 8, 'big') === BYTE_ORDER_MAGIC) return 'big'
  return uint32(bytes, 8, 'little') === BYTE_ORDER_MAGIC ? 'little' : undefined
}

/** Lengths count the whole block and are multiples of four. */
function lengthProblem(length: number, least: number): string | undefined {
  if (length < least) return `with a length of ${length}; the least is ${least}`
  return length % 4 === 0 ? undefined : `with a length of ${length}, which is no multiple of 4`
}
