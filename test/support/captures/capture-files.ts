import type { ByteOrder } from '../../../src/captures/byte-order.js'
import { bytesOf, number } from './numbers.js'

/** A frame as a file is to hold it. */
export interface Recorded {
  readonly frame: Uint8Array
  /** Of it, no more is written. */
  readonly snapLength?: number
  /** Since 1970, in nanoseconds. */
  readonly timeNs?: bigint
}

const FIRST_TIME_NS = 1_700_000_000_123_456_789n
const STEP_NS = 1_000_001n

/** Frames, a millisecond and a nanosecond after each other. */
export function recorded(frames: readonly Uint8Array[], snapLength?: number): Recorded[] {
  return frames.map((frame, index) => ({
    frame,
    timeNs: FIRST_TIME_NS + STEP_NS * BigInt(index),
    ...(snapLength !== undefined && { snapLength }),
  }))
}

export interface PcapOptions {
  readonly linkType?: number
  readonly order?: ByteOrder
  readonly hasNanoseconds?: boolean
}

/** draft-ietf-opsawg-pcap. */
export function pcapFile(packets: readonly Recorded[], options: PcapOptions = {}): Uint8Array {
  const { linkType = 1, order = 'little', hasNanoseconds = false } = options
  const unit = hasNanoseconds ? 1n : 1000n
  return bytesOf(
    number(hasNanoseconds ? 0xa1b23c4d : 0xa1b2c3d4, 4, order),
    number(2, 2, order),
    number(4, 2, order),
    number(0, 8, order),
    number(262_144, 4, order),
    number(linkType, 4, order),
    ...packets.flatMap(({ frame, snapLength = frame.length, timeNs = FIRST_TIME_NS }) => {
      const kept = frame.subarray(0, snapLength)
      return [
        number(timeNs / 1_000_000_000n, 4, order),
        number((timeNs % 1_000_000_000n) / unit, 4, order),
        number(kept.length, 4, order),
        number(frame.length, 4, order),
        kept,
      ]
    }),
  )
}

/** Blocks of a pcapng file in one byte order: draft-ietf-opsawg-pcapng. */
export class PcapngBlocks {
  readonly #order: ByteOrder

  constructor(order: ByteOrder = 'little') {
    this.#order = order
  }

  section(): Uint8Array {
    return this.block(
      0x0a0d0d0a,
      this.#number(0x1a2b3c4d, 4),
      this.#number(1, 2),
      this.#number(0, 2),
      new Uint8Array(8).fill(0xff),
    )
  }

  interface(
    linkType: number,
    options: { snapLength?: number; resolution?: number; offsetSeconds?: bigint } = {},
  ): Uint8Array {
    const { snapLength = 0, resolution, offsetSeconds } = options
    return this.block(
      1,
      this.#number(linkType, 2),
      this.#number(0, 2),
      this.#number(snapLength, 4),
      this.option(2, Buffer.from('eth0x')),
      ...(resolution === undefined ? [] : [this.option(9, Uint8Array.of(resolution))]),
      ...(offsetSeconds === undefined ? [] : [this.option(14, this.#number(offsetSeconds, 8))]),
      this.option(0, new Uint8Array(0)),
    )
  }

  /** `ticks`: the time, in units of the interface's resolution. */
  enhanced(index: number, { frame, snapLength = frame.length }: Recorded, ticks: bigint): Uint8Array {
    const kept = frame.subarray(0, snapLength)
    const [high, low] = this.#halves(ticks)
    const numbers = [index, high, low, kept.length, frame.length].map((value) => this.#number(value, 4))
    return this.block(
      6,
      ...numbers,
      padded(kept),
      this.option(2, this.#number(1, 4)),
      this.option(0, new Uint8Array(0)),
    )
  }

  obsolete(index: number, { frame, snapLength = frame.length }: Recorded, ticks: bigint): Uint8Array {
    const kept = frame.subarray(0, snapLength)
    const numbers = [...this.#halves(ticks), kept.length, frame.length].map((value) => this.#number(value, 4))
    return this.block(2, this.#number(index, 2), this.#number(0xffff, 2), ...numbers, padded(kept))
  }

  simple({ frame, snapLength = frame.length }: Recorded): Uint8Array {
    return this.block(3, this.#number(frame.length, 4), padded(frame.subarray(0, snapLength)))
  }

  block(type: number, ...body: readonly Uint8Array[]): Uint8Array {
    const content = bytesOf(...body)
    const length = this.#number(12 + content.length, 4)
    return bytesOf(this.#number(type, 4), length, content, length)
  }

  option(code: number, value: Uint8Array): Uint8Array {
    return bytesOf(this.#number(code, 2), this.#number(value.length, 2), padded(value))
  }

  #number(value: number | bigint, size: 2 | 4 | 8): Uint8Array {
    return number(value, size, this.#order)
  }

  #halves(ticks: bigint): [high: bigint, low: bigint] {
    return [ticks >> 32n, ticks & 0xffff_ffffn]
  }
}

function padded(bytes: Uint8Array): Uint8Array {
  return bytesOf(bytes, new Uint8Array(-bytes.length & 3))
}
