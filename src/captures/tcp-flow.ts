import { otherSide, type Side } from '../core/side.js'
import type { CaptureTime } from './captured-packet.js'
import { type Gap, type HeldBudget, SideStream } from './side-stream.js'
import type { TcpSegment } from './tcp-segment.js'

/** One end of a flow. */
export interface Endpoint {
  /** Four bytes, or sixteen. Owned. */
  readonly address: Uint8Array
  readonly port: number
}

/**
 * What the capture has of a flow's beginning, and so who its client is: the sender of the SYN; the receiver of the SYN-ACK; in
 * mid-connection the end with the higher port, since servers listen on low ones, or the first sender where both are the same.
 */
export type FlowBeginning = 'syn' | 'syn-ack' | 'mid-connection'

/** Hears of flows, in the order of the capture. Called within `push`; what it is given of bytes is valid until it returns. */
export interface FlowListener {
  /** A flow begins, before any of its bytes. */
  onFlow(flow: TcpFlow): void
  /** What a side says next, each byte once. */
  onBytes(flow: TcpFlow, side: Side, bytes: Uint8Array): void
  /** What a side said next is not in the capture. Bytes may follow that come after it. */
  onGap(flow: TcpFlow, side: Side, gap: Gap): void
  /** The flow is let go: nothing of it follows. */
  onEnd(flow: TcpFlow, reason: FlowEnd): void
}

/**
 * Why a flow is let go of: the capture is over; a SYN begins another one between the same ends; too many are kept at once, and it
 * was silent longest.
 */
export type FlowEnd = 'capture-ended' | 'ports-reused' | 'too-many'

export interface FlowInit {
  readonly number: number
  readonly client: Endpoint
  readonly server: Endpoint
  readonly beginning: FlowBeginning
  readonly time: CaptureTime
}

/** A TCP connection of a capture, or what the capture has of it. */
export class TcpFlow {
  /** Counted from 1, in the order of their first packets. */
  readonly number: number
  readonly client: Endpoint
  readonly server: Endpoint
  readonly beginning: FlowBeginning
  readonly firstAt: CaptureTime
  lastAt: CaptureTime
  packetCount = 0
  readonly #streams: Readonly<Record<Side, SideStream>>
  /** The sequence number that each side began with: of its SYN, or the one before the first that is known. */
  readonly #bases: Record<Side, number | undefined> = { client: undefined, server: undefined }
  #isReset = false

  constructor({ number, client, server, beginning, time }: FlowInit, listener: FlowListener, held: HeldBounds) {
    this.number = number
    this.client = client
    this.server = server
    this.beginning = beginning
    this.firstAt = this.lastAt = time
    const streamOf = (side: Side): SideStream => {
      const sink = {
        onBytes: (bytes: Uint8Array) => listener.onBytes(this, side, bytes),
        onGap: (gap: Gap) => listener.onGap(this, side, gap),
      }
      return new SideStream(sink, held.maxBytes, held.budget)
    }
    this.#streams = { client: streamOf('client'), server: streamOf('server') }
  }

  /** How it ended, as far as the capture shows. */
  get closing(): 'open' | 'reset' | 'closed' {
    if (this.#isReset) return 'reset'
    return this.#streams.client.isEnded && this.#streams.server.isEnded ? 'closed' : 'open'
  }

  /** Whether this SYN of a side begins another connection, and is no repetition of the one that began this. */
  isReusedBy(side: Side, { isSyn, sequence }: TcpSegment): boolean {
    const base = this.#bases[side]
    return isSyn && base !== undefined && sequence !== base
  }

  /** Takes a segment of a side. */
  take(side: Side, segment: TcpSegment, time: CaptureTime): void {
    const other = otherSide(side)
    this.packetCount++
    this.lastAt = time
    this.#bases[side] ??= segment.isSyn ? segment.sequence : (segment.sequence - 1) >>> 0
    if (segment.isAck) {
      this.#bases[other] ??= (segment.acknowledgment - 1) >>> 0
      this.#streams[other].acknowledge(segment.acknowledgment)
    }
    this.#isReset ||= segment.isRst
    this.#streams[side].take(segment)
  }

  /** Nobody wants the rest of a side. */
  ignore(side: Side): void {
    this.#streams[side].ignore()
  }

  /** No more will come. */
  giveUp(): void {
    this.#streams.client.giveUp()
    this.#streams.server.giveUp()
  }
}

/** What a flow may hold of segments that came before their turn. */
export interface HeldBounds {
  /** Of one side. */
  readonly maxBytes: number
  readonly budget: HeldBudget
}
