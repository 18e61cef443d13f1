import { latin1 } from '../protocols/byte-views.js'
import { behindExtensions, type IpPacket } from './ip.js'

/** Datagrams that are put together at once; the oldest gives way. With the bounds below: at most 32 MiB. */
export const MAX_DATAGRAMS = 256
/** RFC 791 section 3.1 and RFC 8200 section 4.5: no datagram is longer than 65,535 bytes. */
const MAX_DATAGRAM_BYTES = 65_535
/** What the fragments of one datagram may hold: overlaps make them more than the datagram. */
const MAX_HELD_BYTES = 2 * MAX_DATAGRAM_BYTES
/** A path MTU of 256 needs as many for the longest datagram. */
const MAX_FRAGMENTS = 512

interface Piece {
  readonly offset: number
  readonly bytes: Uint8Array
}

interface Datagram {
  /** Its first fragment's headers, or those of another one until that has come. */
  head: IpPacket
  /** By offset; of the same offset, the first that came. */
  readonly pieces: Piece[]
  heldBytes: number
  totalBytes: number | undefined
}

/** Puts fragments of IP datagrams together. Where they overlap, the one that begins first counts, as with tshark. */
export class IpFragments {
  readonly #datagrams = new Map<string, Datagram>()
  #lost = 0

  /** Fragments that never became a datagram: so far, and those that still wait. */
  get lostCount(): number {
    let waiting = 0
    for (const { pieces } of this.#datagrams.values()) waiting += pieces.length
    return this.#lost + waiting
  }

  /** Takes a fragment, copied; gives the datagram that it completes. */
  add(part: IpPacket): IpPacket | undefined {
    const { fragment, payload, length } = part
    if (fragment === undefined) return part
    const key = keyOf(part, fragment.id)
    const datagram = this.#datagrams.get(key) ?? this.#begin(key, part)
    const end = fragment.offset + length
    const isTooMuch =
      datagram.heldBytes + length > MAX_HELD_BYTES ||
      datagram.pieces.length === MAX_FRAGMENTS ||
      end > MAX_DATAGRAM_BYTES
    // One that the snap length has cut cannot be told from the rest of its datagram.
    if (payload.length < length || isTooMuch) {
      this.#lost++
      return undefined
    }
    if (fragment.offset === 0) datagram.head = owned(part)
    if (fragment.isLast) datagram.totalBytes ??= end
    datagram.heldBytes += length
    insert(datagram.pieces, { offset: fragment.offset, bytes: Uint8Array.from(payload) })
    if (datagram.totalBytes === undefined || datagram.heldBytes < datagram.totalBytes) return undefined
    const whole = assemble(datagram.pieces, datagram.totalBytes)
    if (whole === undefined) return undefined
    this.#datagrams.delete(key)
    const { source, destination, protocol } = datagram.head
    const packet = behindExtensions({ source, destination, protocol, payload: whole, length: whole.length })
    if (packet === undefined) this.#lost += datagram.pieces.length
    return packet
  }

  #begin(key: string, packet: IpPacket): Datagram {
    if (this.#datagrams.size === MAX_DATAGRAMS) {
      const [oldest, { pieces }] = this.#datagrams.entries().next().value!
      this.#lost += pieces.length
      this.#datagrams.delete(oldest)
    }
    const datagram = { head: owned(packet), pieces: [], heldBytes: 0, totalBytes: undefined }
    this.#datagrams.set(key, datagram)
    return datagram
  }
}

/** RFC 791 section 3.2: source, destination, protocol, id. RFC 8200 section 4.5: without the protocol. */
function keyOf({ source, destination, protocol }: IpPacket, id: number): string {
  const addresses = latin1(source, 0, source.length) + latin1(destination, 0, destination.length)
  return `${addresses}${id}${source.length === 4 ? `/${protocol}` : ''}`
}

/** Headers that outlive the packet they came in. */
function owned({ source, destination, protocol }: IpPacket): IpPacket {
  return {
    source: Uint8Array.from(source),
    destination: Uint8Array.from(destination),
    protocol,
    payload: new Uint8Array(0),
    length: 0,
  }
}

function insert(pieces: Piece[], piece: Piece): void {
  let at = pieces.length
  while (at > 0 && pieces[at - 1]!.offset > piece.offset) at--
  pieces.splice(at, 0, piece)
}

/** The datagram's payload; undefined while a piece is missing. */
function assemble(pieces: readonly Piece[], totalBytes: number): Uint8Array | undefined {
  const whole = new Uint8Array(totalBytes)
  let filled = 0
  for (const { offset, bytes } of pieces) {
    if (offset > filled) return undefined
    const fresh = bytes.subarray(filled - offset, totalBytes - offset)
    if (fresh.length === 0) continue
    whole.set(fresh, filled)
    filled += fresh.length
  }
  return filled === totalBytes ? whole : undefined
}
