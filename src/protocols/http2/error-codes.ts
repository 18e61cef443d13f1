/** RFC 9113 section 7, by number: as RST_STREAM and GOAWAY give them. */
const NAMES = [
  'NO_ERROR',
  'PROTOCOL_ERROR',
  'INTERNAL_ERROR',
  'FLOW_CONTROL_ERROR',
  'SETTINGS_TIMEOUT',
  'STREAM_CLOSED',
  'FRAME_SIZE_ERROR',
  'REFUSED_STREAM',
  'CANCEL',
  'COMPRESSION_ERROR',
  'CONNECT_ERROR',
  'ENHANCE_YOUR_CALM',
  'INADEQUATE_SECURITY',
  'HTTP_1_1_REQUIRED',
] as const

export const NO_ERROR = 0

/** The name of an error code; `UNKNOWN` for one that the specification does not have, of which there are four billion. */
export function http2ErrorName(code: number): string {
  return NAMES[code] ?? 'UNKNOWN'
}
