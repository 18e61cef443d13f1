import type { SnifferPlan } from './detection.js'
import type { DetectionResult } from './detection-result.js'
import type { LookedAt } from './looked-at.js'
import type { Side } from './side.js'
import { TwoSidedDetection } from './two-sided-detection.js'

/** What one side said, in the order of the recording. */
export interface Segment {
  readonly from: Side
  readonly data: Uint8Array
}

/** Names a recorded conversation as a live one is named beside its relay. The end of the recording is the end of both sides. */
export function sniffRecording(
  plan: SnifferPlan,
  segments: readonly Segment[],
  windowBytes: number,
  lookedAt?: LookedAt,
): DetectionResult {
  const detection = new TwoSidedDetection(plan, windowBytes, lookedAt)
  for (const { from, data } of segments) {
    detection.show(from, data)
    if (detection.isConcluded) break
  }
  detection.conclude()
  return detection.result
}
