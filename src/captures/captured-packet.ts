/** When a packet was seen: seconds since 1970, and what came on top of them. 0 and 0 where the file does not say. */
export interface CaptureTime {
  readonly seconds: number
  readonly nanoseconds: number
}

/** One packet as a capture file holds it. */
export interface CapturedPacket {
  /** What the bytes begin with: a LINKTYPE number of the tcpdump group's list. */
  readonly linkType: number
  /** As much as was captured. Borrowed: valid until the callback that was given it returns. */
  readonly bytes: Uint8Array
  /** How long it was on the wire; more than was captured where a snap length cut it. */
  readonly originalLength: number
  readonly time: CaptureTime
}

export const NO_TIME: CaptureTime = Object.freeze({ seconds: 0, nanoseconds: 0 })

/** Milliseconds from one time to another. */
export function msBetween(from: CaptureTime, to: CaptureTime): number {
  return (to.seconds - from.seconds) * 1000 + (to.nanoseconds - from.nanoseconds) / 1e6
}
