import type { Side } from '../core/side.js'
import { latin1 } from '../protocols/byte-views.js'
import type { CaptureTime } from './captured-packet.js'
import type { IpPacket } from './ip.js'
import { HeldBudget } from './side-stream.js'
import { type Endpoint, type FlowBeginning, type FlowEnd, type FlowListener, TcpFlow } from './tcp-flow.js'
import type { TcpSegment } from './tcp-segment.js'

/** What is kept of a capture at once, whatever its size. */
export interface FlowBounds {
  /** Flows, closed ones too: a late packet of one belongs to it. The one that was silent longest gives way. */
  readonly maxFlows: number
  /** Of each side of a flow: bytes that wait behind a hole. More than a receive window has is not waited for. */
  readonly maxHeldBytesPerSide: number
  /** The same of all flows. */
  readonly maxHeldBytes: number
}

/** 6 MiB is the largest receive window that Linux gives by itself (`tcp_rmem`). */
export const FLOW_BOUNDS: FlowBounds = {
  maxFlows: 32_768,
  maxHeldBytesPerSide: 6 * 1024 * 1024,
  maxHeldBytes: 64 * 1024 * 1024,
}

interface KnownFlow {
  readonly flow: TcpFlow
  readonly clientKey: string
}

/** Sorts TCP segments into flows: one for each pair of ends, a new one with each new SYN. Tags of VLANs make no difference. */
export class TcpFlows {
  readonly #listener: FlowListener
  readonly #bounds: FlowBounds
  readonly #budget: HeldBudget
  /** In the order of their last packets. */
  readonly #known = new Map<string, KnownFlow>()
  #count = 0

  constructor(listener: FlowListener, bounds = FLOW_BOUNDS) {
    this.#listener = listener
    this.#bounds = bounds
    this.#budget = new HeldBudget(bounds.maxHeldBytes)
  }

  /** Takes the segment that an IP packet holds. */
  take({ source, destination }: IpPacket, segment: TcpSegment, time: CaptureTime): void {
    const from = keyOf(source, segment.sourcePort)
    const to = keyOf(destination, segment.destinationPort)
    const key = from < to ? from + to : to + from
    let known = this.#known.get(key)
    if (known?.flow.isReusedBy(sideOf(known, from), segment)) {
      this.#letGo(key, known.flow, 'ports-reused')
      known = undefined
    }
    if (known) this.#known.delete(key)
    else {
      if (this.#known.size >= this.#bounds.maxFlows) this.#letGoOldest()
      known = this.#begin(from, to, source, destination, segment, time)
    }
    this.#known.set(key, known)
    known.flow.take(sideOf(known, from), segment, time)
  }

  /** The capture is over. */
  end(): void {
    for (const [key, { flow }] of this.#known) this.#letGo(key, flow, 'capture-ended')
  }

  #begin(
    from: string,
    to: string,
    source: Uint8Array,
    destination: Uint8Array,
    segment: TcpSegment,
    time: CaptureTime,
  ): KnownFlow {
    const { sourcePort, destinationPort } = segment
    const sender = { address: Uint8Array.from(source), port: sourcePort }
    const receiver = { address: Uint8Array.from(destination), port: destinationPort }
    const beginning = beginningOf(segment)
    const isFromClient = beginning === 'syn' || (beginning === 'mid-connection' && sourcePort >= destinationPort)
    const [client, server]: [Endpoint, Endpoint] = isFromClient ? [sender, receiver] : [receiver, sender]
    const held = { maxBytes: this.#bounds.maxHeldBytesPerSide, budget: this.#budget }
    const flow = new TcpFlow({ number: ++this.#count, client, server, beginning, time }, this.#listener, held)
    this.#listener.onFlow(flow)
    return { flow, clientKey: isFromClient ? from : to }
  }

  #letGoOldest(): void {
    const [oldest] = this.#known
    if (oldest) this.#letGo(oldest[0], oldest[1].flow, 'too-many')
  }

  #letGo(key: string, flow: TcpFlow, reason: FlowEnd): void {
    this.#known.delete(key)
    flow.giveUp()
    this.#listener.onEnd(flow, reason)
  }
}

function beginningOf({ isSyn, isAck }: TcpSegment): FlowBeginning {
  if (!isSyn) return 'mid-connection'
  return isAck ? 'syn-ack' : 'syn'
}

function keyOf(address: Uint8Array, port: number): string {
  return latin1(address, 0, address.length) + String.fromCharCode(port)
}

function sideOf({ clientKey }: KnownFlow, from: string): Side {
  return from === clientKey ? 'client' : 'server'
}
