import type { CaptureDamage } from '../../../src/captures/capture-reader.js'
import { FlowReader, type PacketCounts } from '../../../src/captures/flow-reader.js'
import type { Gap } from '../../../src/captures/side-stream.js'
import type { FlowEnd, TcpFlow } from '../../../src/captures/tcp-flow.js'
import type { FlowBounds } from '../../../src/captures/tcp-flows.js'
import type { Side } from '../../../src/core/side.js'

/** A flow with everything that it said, and what was said about it. */
export interface ReadFlow {
  readonly flow: TcpFlow
  readonly bytes: Record<Side, Buffer>
  /** What each side said and did not say, in order: bytes are given by their number. */
  readonly events: { side: Side; bytes: number; gap?: Gap['kind'] }[]
  end?: FlowEnd
}

export interface ReadCapture {
  readonly flows: readonly ReadFlow[]
  readonly counts: PacketCounts
  readonly damage: CaptureDamage | undefined
}

/** Reads a capture whole, in chunks of a size. */
export function readFlows(file: Uint8Array, chunkBytes = 65_536, bounds?: FlowBounds): ReadCapture {
  const found = new Map<TcpFlow, ReadFlow & { parts: Record<Side, Buffer[]> }>()
  const reader = new FlowReader(
    {
      onFlow: (flow) => {
        const none = Buffer.alloc(0)
        found.set(flow, { flow, bytes: { client: none, server: none }, events: [], parts: { client: [], server: [] } })
      },
      onBytes: (flow, side, bytes) => {
        const read = found.get(flow)!
        read.parts[side].push(Buffer.from(bytes))
        read.events.push({ side, bytes: bytes.length })
      },
      onGap: (flow, side, { kind, bytes }) => void found.get(flow)!.events.push({ side, bytes, gap: kind }),
      onEnd: (flow, reason) => {
        found.get(flow)!.end = reason
      },
    },
    bounds,
  )
  for (let at = 0; at < file.length; at += chunkBytes) {
    // A copy that is overwritten afterwards: nothing may be kept as a view of a chunk.
    const chunk = Uint8Array.from(file.subarray(at, at + chunkBytes))
    reader.push(chunk)
    chunk.fill(0xdd)
  }
  const damage = reader.end()
  const flows = [...found.values()].map(({ parts, ...read }) => ({
    ...read,
    bytes: { client: Buffer.concat(parts.client), server: Buffer.concat(parts.server) },
  }))
  return { flows, counts: reader.counts, damage }
}
