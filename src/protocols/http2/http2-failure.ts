import type { HpackFailure } from '../hpack/hpack-decoder.js'

/** Why one direction of an HTTP/2 connection cannot be followed any further. */
export type Http2Failure =
  | 'bad-preface'
  | 'bad-frame' // a length, padding, stream or order that RFC 9113 does not allow
  | 'head-too-large' // a header block, coded, above its bound
  | HpackFailure
