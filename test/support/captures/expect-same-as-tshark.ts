import { readFile } from 'node:fs/promises'
import { expect } from 'vitest'
import type { Endpoint } from '../../../src/captures/tcp-flow.js'
import { formatAddress } from '../../../src/core/address.js'
import type { Side } from '../../../src/core/side.js'
import { formatIpBytes } from '../../../src/protocols/ip-address.js'
import { type ReadFlow, readFlows } from './read-flows.js'
import { tsharkFollow } from './tshark-follow.js'

/**
 * Reads a capture as tshark does and as we do, and expects the same flows, in the same order, with the same bytes of each side and
 * the same gaps. `up-to-the-gap`: tshark goes on behind a packet that was cut as if nothing was missing; what comes before it counts.
 */
export async function expectSameAsTshark(
  path: string,
  extent: 'whole' | 'up-to-the-gap',
): Promise<readonly ReadFlow[]> {
  const file = await readFile(path)
  const { flows } = readFlows(file)
  const streams = await tsharkFollow(path, flows.length)
  expect(flows.map(({ flow }) => [endText(flow.client), endText(flow.server)].sort())).toEqual(
    streams.map(({ nodes }) => [...nodes].sort()),
  )
  flows.forEach((read, index) => {
    const { nodes, bytes, gaps } = streams[index]!
    for (const side of ['client', 'server'] as const) {
      const node = nodes.indexOf(endText(read.flow[side])) as 0 | 1
      const where = `flow ${index + 1}, ${side}`
      if (extent === 'whole') {
        expect(read.bytes[side].toString('latin1'), where).toBe(bytes[node].toString('latin1'))
        // Before the end of the capture, tshark tells of a hole only once it is acknowledged.
        expect(gapsOf(read, side).slice(0, gaps[node].length), where).toEqual(gaps[node])
      } else {
        const count = bytesBeforeGap(read, side)
        expect(read.bytes[side].subarray(0, count), where).toEqual(bytes[node].subarray(0, count))
      }
    }
  })
  return flows
}

function endText({ address, port }: Endpoint): string {
  return formatAddress(formatIpBytes(address), port)
}

function gapsOf({ events }: ReadFlow, side: Side): number[] {
  return events.filter((event) => event.side === side && event.gap).map(({ bytes }) => bytes)
}

function bytesBeforeGap({ events }: ReadFlow, side: Side): number {
  const own = events.filter((event) => event.side === side)
  const gap = own.findIndex((event) => event.gap)
  return own.slice(0, gap < 0 ? own.length : gap).reduce((sum, { bytes }) => sum + bytes, 0)
}
