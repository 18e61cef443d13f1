import { summaryKey } from '../core/connection.js'

/** What a connection's HTTP traffic came to so far. Written by `http-metrics` while it looks, read when the connection closes. */
export interface HttpSeen {
  requests: number
  responses: number
  /** 0 before the first response. */
  lastStatus: number
}

declare module '../core/close-summary.js' {
  interface SummaryExtras {
    /** What `http-metrics` saw of the connection. */
    readonly http?: Readonly<HttpSeen>
  }
}

export const HTTP_SEEN = summaryKey('http')
