import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FLOW_BOUNDS } from '../../src/captures/tcp-flows.js'
import { readFlows } from '../support/captures/read-flows.js'
import { SAMPLE_CAPTURES } from '../support/captures/sample-captures.js'
import { pcapFile } from '../support/captures/capture-files.js'
import { hex } from '../support/captures/numbers.js'

const RUNS = 400
/** A run takes a few milliseconds; one that hangs ends here. */
const LIMIT_MS = 60_000

const SMALL_BOUNDS = { maxFlows: 3, maxHeldBytesPerSide: 4096, maxHeldBytes: 6000 }
const FILES = SAMPLE_CAPTURES.map(({ file }) => file)

/** What may happen to a file: bytes change, go, come, or stand twice. */
const mutation = fc.record({
  kind: fc.constantFrom('set', 'cut', 'insert', 'repeat'),
  at: fc.nat(),
  length: fc.nat({ max: 64 }),
  bytes: fc.uint8Array({ minLength: 1, maxLength: 8 }),
})

type Mutation = typeof mutation extends fc.Arbitrary<infer T> ? T : never

function mutate(file: Uint8Array, { kind, at, length, bytes }: Mutation): Uint8Array {
  const start = file.length === 0 ? 0 : at % file.length
  const end = Math.min(file.length, start + length)
  const parts = {
    set: [file.subarray(0, start), bytes, file.subarray(start + bytes.length)],
    cut: [file.subarray(0, start), file.subarray(end)],
    insert: [file.subarray(0, start), bytes, file.subarray(start)],
    repeat: [file.subarray(0, end), file.subarray(start)],
  }[kind]
  return Uint8Array.from(Buffer.concat(parts))
}

/** Reads a file and holds that nothing comes out that cannot have gone in. */
function read(file: Uint8Array, chunkBytes?: number, bounds = FLOW_BOUNDS) {
  const result = readFlows(file, chunkBytes, bounds)
  const { flows, counts, damage } = result
  const { packets, tcp, otherIp, notIp, malformed, unknownLinkTypes } = counts
  const unknown = [...unknownLinkTypes.values()].reduce((sum, count) => sum + count, 0)
  expect(tcp + otherIp + notIp + malformed + unknown).toBeLessThanOrEqual(packets)
  expect(flows.length).toBeLessThanOrEqual(tcp)
  const said = flows.reduce((sum, { bytes }) => sum + bytes.client.length + bytes.server.length, 0)
  expect(said).toBeLessThanOrEqual(file.length)
  if (damage) expect(damage.offset).toBeLessThanOrEqual(file.length)
  for (const { end, flow } of flows) {
    expect(end).toBeDefined()
    expect(flow.packetCount).toBeGreaterThan(0)
  }
  return result
}

function essence({ flows, counts, damage }: ReturnType<typeof readFlows>) {
  return {
    damage,
    counts,
    flows: flows.map(({ bytes, end, flow }) => [bytes, end, flow.client, flow.server, flow.closing]),
  }
}

describe('whatever a file holds, reading it ends, and throws nothing', () => {
  test('mutated captures, in chunks of any size, with small bounds too', { timeout: LIMIT_MS }, () => {
    fc.assert(
      fc.property(
        fc.nat({ max: FILES.length - 1 }),
        fc.array(mutation, { minLength: 1, maxLength: 12 }),
        fc.integer({ min: 1, max: 5000 }),
        (index, mutations, chunkBytes) => {
          const file = mutations.reduce(mutate, FILES[index]!)
          const whole = read(file, file.length)
          expect(essence(read(file, chunkBytes))).toEqual(essence(whole))
          read(file, chunkBytes, SMALL_BOUNDS)
        },
      ),
      { numRuns: RUNS, seed: 7 },
    )
  })

  test('random bytes behind a good beginning', { timeout: LIMIT_MS }, () => {
    const beginnings = [
      ...[0, 1, 101, 113, 127, 276].map((linkType) => pcapFile([], { linkType })),
      hex('0a0d0d0a 1c000000 4d3c2b1a 01000000 ffffffff ffffffff 1c000000'),
      hex(''),
    ]
    fc.assert(
      fc.property(fc.constantFrom(...beginnings), fc.uint8Array({ maxLength: 4000 }), (beginning, rest) => {
        read(Uint8Array.from(Buffer.concat([beginning, rest])), 999)
      }),
      { numRuns: RUNS, seed: 7 },
    )
  })

  test('random packets of every link type', { timeout: LIMIT_MS }, () => {
    const frame = fc.uint8Array({ maxLength: 120 }).map((bytes) => {
      // Many look like the beginning of something that is known.
      const heads = [
        hex(''),
        hex('4500'),
        hex('6000'),
        hex('0800 4500'),
        hex('02000000 4500'),
        hex('000000000000000000000000 8100 0001 86dd 60'),
      ]
      return { frame: Uint8Array.from(Buffer.concat([heads[bytes.length % heads.length]!, bytes])) }
    })
    fc.assert(
      fc.property(fc.constantFrom(0, 1, 101, 108, 113, 276), fc.array(frame, { maxLength: 30 }), (linkType, frames) => {
        const { damage, counts } = read(pcapFile(frames, { linkType }))
        expect([damage, counts.packets]).toEqual([undefined, frames.length])
      }),
      { numRuns: RUNS, seed: 7 },
    )
  })
})
