import type { CapturedPacket } from './captured-packet.js'

/** What a format makes of the bytes that stand next in the file. */
export type CaptureStep =
  /** So many bytes must be there, counted from where this record begins. */
  | { readonly need: number }
  /** So many bytes are done with; they may reach beyond those that are there. */
  | { readonly done: number; readonly packet?: CapturedPacket }
  /** It cannot go on from here. */
  | { readonly damage: string }

/** A kind of capture file, read record by record. Keeps what earlier records declared; does no I/O, never throws. */
export interface CaptureFormat {
  readonly name: string
  /** Reads the record that `bytes` begin with. Asked again with more where it said `need`; `need` is never more than `MAX_RECORD_BYTES`. */
  read(bytes: Uint8Array): CaptureStep
}

/** Largest packet that a file may hold: what tcpdump and Wireshark take for ordinary link layers. A larger length is damage. */
export const MAX_PACKET_BYTES = 256 * 1024

/** Largest record that is held at once: the largest packet, with its header and its options. */
export const MAX_RECORD_BYTES = 2 * MAX_PACKET_BYTES
