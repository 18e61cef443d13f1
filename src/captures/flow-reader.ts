import { CaptureReader, type CaptureDamage } from './capture-reader.js'
import type { CapturedPacket } from './captured-packet.js'
import { parseIp } from './ip.js'
import { IpFragments } from './ip-fragments.js'
import { findNetwork } from './link-layer.js'
import type { FlowListener } from './tcp-flow.js'
import { FLOW_BOUNDS, TcpFlows } from './tcp-flows.js'
import { parseTcp, TCP } from './tcp-segment.js'

/** Packets of a capture, by what became of them. */
export interface PacketCounts {
  readonly packets: number
  /** Those that are part of a flow. */
  readonly tcp: number
  /** IP with something else in it, tunnels too. */
  readonly otherIp: number
  readonly notIp: number
  /** Whose headers are not all there, or cannot be. */
  readonly malformed: number
  /** Fragments of IP whose datagram is not complete. */
  readonly lostFragments: number
  /** By LINKTYPE number: frames of a link layer that is not known. */
  readonly unknownLinkTypes: ReadonlyMap<number, number>
}

/** Link types that are counted apart: a file may name any number of them. */
const MAX_COUNTED_LINK_TYPES = 16

/**
 * Reads the TCP flows of a pcap or pcapng file from its bytes as they come. Keeps what `FLOW_BOUNDS`, `IpFragments` and
 * `CaptureReader` say, whatever the size of the file. Never throws but what the listener throws.
 */
export class FlowReader {
  readonly #capture = new CaptureReader((packet) => this.#take(packet))
  readonly #fragments = new IpFragments()
  readonly #flows: TcpFlows
  readonly #unknownLinkTypes = new Map<number, number>()
  #packets = 0
  #tcp = 0
  #otherIp = 0
  #notIp = 0
  #malformed = 0

  constructor(listener: FlowListener, bounds = FLOW_BOUNDS) {
    this.#flows = new TcpFlows(listener, bounds)
  }

  /** The file cannot be read on: what is pushed from now on is not looked at. */
  get damage(): CaptureDamage | undefined {
    return this.#capture.damage
  }

  get counts(): PacketCounts {
    return {
      packets: this.#packets,
      tcp: this.#tcp,
      otherIp: this.#otherIp,
      notIp: this.#notIp,
      malformed: this.#malformed,
      lostFragments: this.#fragments.lostCount,
      unknownLinkTypes: this.#unknownLinkTypes,
    }
  }

  /** Takes the next bytes of the file. They are the caller's again when it returns. */
  push(chunk: Uint8Array): void {
    this.#capture.push(chunk)
  }

  /** The file is over: every flow ends. Gives what was wrong with the file; the flows up to there are as good as any. */
  end(): CaptureDamage | undefined {
    const damage = this.#capture.end()
    this.#flows.end()
    return damage
  }

  #take({ linkType, bytes, originalLength, time }: CapturedPacket): void {
    this.#packets++
    const offset = findNetwork(linkType, bytes)
    if (typeof offset === 'string') {
      if (offset === 'unknown-link-type') this.#countLinkType(linkType)
      else if (offset === 'not-ip') this.#notIp++
      else this.#malformed++
      return
    }
    const part = parseIp(bytes.subarray(offset), Math.max(originalLength, bytes.length) - offset)
    if (part === undefined) {
      this.#malformed++
      return
    }
    const packet = this.#fragments.add(part)
    // Waits for the rest of its datagram, which is counted where that does not come.
    if (packet === undefined) return
    if (packet.protocol !== TCP) {
      this.#otherIp++
      return
    }
    const segment = parseTcp(packet.payload, packet.length)
    if (segment === undefined) {
      this.#malformed++
      return
    }
    this.#tcp++
    this.#flows.take(packet, segment, time)
  }

  #countLinkType(linkType: number): void {
    const count = this.#unknownLinkTypes.get(linkType)
    if (count === undefined && this.#unknownLinkTypes.size === MAX_COUNTED_LINK_TYPES) this.#notIp++
    else this.#unknownLinkTypes.set(linkType, (count ?? 0) + 1)
  }
}
