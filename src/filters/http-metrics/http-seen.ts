import { factKey } from '../../core/connection.js'

/** What a connection's HTTP traffic came to so far. Written by `http-metrics` while it looks, read when the connection closes. */
export interface HttpSeen {
  requests: number
  responses: number
  /** 0 before the first response. */
  lastStatus: number
}

export const HTTP_SEEN = factKey<HttpSeen>('http-seen')
