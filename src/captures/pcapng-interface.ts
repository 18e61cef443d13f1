import { type ByteOrder, uint16, uint32 } from './byte-order.js'
import { type CaptureTime, NO_TIME } from './captured-packet.js'

// draft-ietf-opsawg-pcapng sections 3.5 and 4.2: an option is code(2) length(2) value, padded to four bytes; code 0 ends the list.
const OPTION_END = 0
const OPTION_TIMESTAMP_RESOLUTION = 9
const OPTION_TIMESTAMP_OFFSET = 14

/** Where an Interface Description Block does not say: microseconds. */
const DEFAULT_UNITS_PER_SECOND = 1_000_000n
/** 10^-20 s and 2^-64 s are finer than a timestamp of 64 bits can use: a larger exponent is taken for no timestamp. */
const MAX_DECIMAL_EXPONENT = 19
const MAX_BINARY_EXPONENT = 63

/** An interface that a section of a pcapng file declares. */
export class PcapngInterface {
  readonly linkType: number
  /** Of its packets, no more bytes are captured. 0: no limit. */
  readonly snapLength: number
  readonly #unitsPerSecond: bigint | undefined
  readonly #offsetSeconds: bigint

  /** `body` is an Interface Description Block between its two lengths: link type(2) reserved(2) snap length(4) options. */
  constructor(body: Uint8Array, order: ByteOrder) {
    this.linkType = uint16(body, 0, order)
    this.snapLength = uint32(body, 4, order)
    let unitsPerSecond: bigint | undefined = DEFAULT_UNITS_PER_SECOND
    let offsetSeconds = 0n
    for (const { code, value } of options(body.subarray(8), order)) {
      if (code === OPTION_TIMESTAMP_RESOLUTION && value.length === 1) unitsPerSecond = unitsOf(value[0]!)
      if (code === OPTION_TIMESTAMP_OFFSET && value.length === 8) offsetSeconds = int64(value, order)
    }
    this.#unitsPerSecond = unitsPerSecond
    this.#offsetSeconds = offsetSeconds
  }

  /** The two halves of a timestamp as a time. */
  timeOf(high: number, low: number): CaptureTime {
    const perSecond = this.#unitsPerSecond
    if (perSecond === undefined) return NO_TIME
    const units = (BigInt(high) << 32n) | BigInt(low)
    return {
      seconds: Number(units / perSecond + this.#offsetSeconds),
      nanoseconds: Number(((units % perSecond) * 1_000_000_000n) / perSecond),
    }
  }
}

interface Option {
  readonly code: number
  readonly value: Uint8Array
}

/** The options of a block, up to the end of the list or the first that does not fit. */
function options(bytes: Uint8Array, order: ByteOrder): Option[] {
  const found: Option[] = []
  let at = 0
  while (at + 4 <= bytes.length) {
    const code = uint16(bytes, at, order)
    const length = uint16(bytes, at + 2, order)
    const end = at + 4 + length
    if (code === OPTION_END || end > bytes.length) break
    found.push({ code, value: bytes.subarray(at + 4, end) })
    at = end + (-length & 3)
  }
  return found
}

/** if_tsresol: the most significant bit chooses a power of two over one of ten, the rest is the negative exponent. */
function unitsOf(resolution: number): bigint | undefined {
  const exponent = resolution & 0x7f
  if ((resolution & 0x80) !== 0) return exponent > MAX_BINARY_EXPONENT ? undefined : 1n << BigInt(exponent)
  return exponent > MAX_DECIMAL_EXPONENT ? undefined : 10n ** BigInt(exponent)
}

function int64(bytes: Uint8Array, order: ByteOrder): bigint {
  const [high, low] = order === 'big' ? [0, 4] : [4, 0]
  return BigInt.asIntN(64, (BigInt(uint32(bytes, high, order)) << 32n) | BigInt(uint32(bytes, low, order)))
}
