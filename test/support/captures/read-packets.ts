import { type CaptureDamage, CaptureReader } from '../../../src/captures/capture-reader.js'
import type { CapturedPacket } from '../../../src/captures/captured-packet.js'

/** The packets of a file that comes in chunks of a size, and what was wrong with it. */
export function readPackets(
  file: Uint8Array,
  chunkBytes = 65_536,
): { packets: CapturedPacket[]; damage: CaptureDamage | undefined } {
  const packets: CapturedPacket[] = []
  const reader = new CaptureReader((packet) => packets.push({ ...packet, bytes: Uint8Array.from(packet.bytes) }))
  for (let at = 0; at < file.length; at += chunkBytes) {
    const chunk = Uint8Array.from(file.subarray(at, at + chunkBytes))
    reader.push(chunk)
    chunk.fill(0xdd)
  }
  return { packets, damage: reader.end() }
}
