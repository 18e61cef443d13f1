import { describe, expect, test } from 'vitest'
import { SnifferPlan } from '../../src/core/detection.js'
import type { DetectionResult } from '../../src/core/detection-result.js'
import { type Segment, sniffRecording } from '../../src/core/sniff-recording.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { type Capture, readCaptures } from '../fixtures/captures.js'

const WINDOW_BYTES = 16 * 1024
const SOURCE = /^(captured from \S.* by \S.*|written from \S.*)$/

const plan = new SnifferPlan(builtInSniffers, ({ protocol }, error) => {
  throw new Error(`the sniffer of ${protocol} threw`, { cause: error })
})

describe.each([...readCaptures()])('%s', (_file, captures) => {
  test.each(captures)('$id says where it comes from', ({ source }) => {
    expect(source).toMatch(SOURCE)
  })

  test('has ids that are there once', () => {
    expect(new Set(captures.map(({ id }) => id)).size).toBe(captures.length)
  })

  test.each(captures)('$id is named $protocol, as a whole', (capture) => {
    const result = sniff(capture.segments)
    expect(nameOf(result)).toBe(capture.protocol)
    expect(result.facts).toMatchObject(capture.facts ?? {})
  })

  test.each(captures)('$id is named so byte by byte', (capture) => {
    const bytes = capture.segments.flatMap(({ from, data }) =>
      Array.from(data, (_, i) => ({ from, data: data.subarray(i, i + 1) })),
    )
    const result = sniff(bytes)
    expect(nameOf(result)).toBe(capture.protocol)
    expect(result.facts).toMatchObject(capture.facts ?? {})
  })

  test.each(captures)('$id is named so in every two-way split', (capture) => {
    for (const segments of splits(capture)) expect(nameOf(sniff(segments))).toBe(capture.protocol)
  })
})

function sniff(segments: readonly Segment[]): DetectionResult {
  return sniffRecording(plan, segments, WINDOW_BYTES)
}

function nameOf({ protocol }: DetectionResult): string {
  return protocol ?? 'unknown'
}

/** The conversation with one of its segments cut in two: at every byte. Cuts behind what decides change nothing, and are left out. */
function* splits({ segments }: Capture): Generator<Segment[]> {
  const decisive = { ...sniff(segments).bytes }
  for (const [index, { from, data }] of segments.entries()) {
    for (let at = 1; at < data.length && at <= decisive[from]; at++) {
      const halves = [data.subarray(0, at), data.subarray(at)].map((half) => ({ from, data: half }))
      yield [...segments.slice(0, index), ...halves, ...segments.slice(index + 1)]
    }
    decisive[from] -= data.length
  }
}
