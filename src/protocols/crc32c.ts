/** Castagnoli's polynomial, bits reversed. RFC 3720 section 12.1. */
const POLYNOMIAL = 0x82f63b78

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let remainder = byte
  for (let bit = 0; bit < 8; bit++) remainder = remainder & 1 ? (remainder >>> 1) ^ POLYNOMIAL : remainder >>> 1
  return remainder
})

/** CRC32C (RFC 3720 appendix B.4) of bytes of which those from `blankFrom` up to `blankTo` count as zero. Unsigned. */
export function crc32c(bytes: Uint8Array, blankFrom = 0, blankTo = 0): number {
  let crc = 0xffffffff
  for (let i = 0; i < bytes.length; i++) {
    const byte = i >= blankFrom && i < blankTo ? 0 : bytes[i]!
    crc = TABLE[(crc ^ byte) & 0xff]! ^ (crc >>> 8)
  }
  return ~crc >>> 0
}
