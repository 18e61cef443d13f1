/** Why a stream is not HTTP/1 that two readers must take the same way. Each is a metric label: added to, never renamed. */
export type Http1Failure =
  // Start lines: RFC 9112 sections 3 and 4.
  | 'invalid-request-line'
  | 'invalid-status-line'
  | 'unsupported-version'
  | 'too-many-empty-lines'
  | 'request-line-too-long'
  // Fields: RFC 9112 section 5, RFC 9110 section 5.
  | 'invalid-field-name'
  | 'invalid-field-value'
  | 'space-before-colon'
  | 'obs-fold'
  | 'bare-cr'
  | 'head-too-large'
  | 'trailers-too-large'
  // Length of the body: RFC 9112 section 6.
  | 'invalid-content-length'
  | 'content-length-repeated'
  | 'content-length-conflict'
  | 'content-length-with-transfer-encoding'
  | 'invalid-transfer-encoding'
  | 'chunked-not-last'
  | 'transfer-encoding-in-http-1.0'
  | 'content-with-connect'
  // Chunked coding: RFC 9112 section 7.1.
  | 'invalid-chunk-size'
  | 'chunk-size-too-large'
  | 'chunk-size-too-long'
  | 'invalid-chunk-extension'
  | 'chunk-extension-too-long'
  | 'invalid-chunk-end'
  // The side ended in the middle: RFC 9112 section 8.
  | 'ended-in-head'
  | 'ended-in-body'
