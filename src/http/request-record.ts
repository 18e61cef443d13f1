import type { Side } from '../core/side.js'
import type { HttpVersion } from './http-exchange.js'

export const REQUEST_PROTOCOLS = ['http/1', 'http/2', 'grpc'] as const
export type RequestProtocol = (typeof REQUEST_PROTOCOLS)[number]

/** One request and what became of it, as access log and tap show it. Written when it is over. */
export interface RequestRecord {
  readonly listener: string
  /** Number of the connection that it came on. */
  readonly connection: number
  /** The client, `host:port`. */
  readonly source: string
  /** The endpoint, or the destination, `host:port`; absent where there was none yet. */
  readonly destination?: string
  readonly protocol: RequestProtocol
  /** Of HTTP, as an access log writes it. */
  readonly version: HttpVersion
  /** Empty, as is the target, where the head of a request was refused before it was complete. */
  readonly method: string
  /** As the client wrote it: path and query, or one of the other forms of a request target. */
  readonly target: string
  /** `Host` or `:authority`; empty where there is none. */
  readonly authority: string
  readonly userAgent?: string
  readonly referer?: string
  /** When its first byte came, milliseconds of the epoch. */
  readonly startedAt: number
  /** Absent where no response came. */
  readonly status?: number
  readonly grpcStatus?: number
  readonly classification: 'success' | 'failure'
  /** Why the response did not come to its end: `h2(CANCEL)`, `unclassified`. */
  readonly error?: string
  /** From the request's first byte to the first byte of the response's content; absent where no response came. */
  readonly latencyMs?: number
  /** From the request's first byte to the end. */
  readonly durationMs: number
  /** Bytes of content that each side sent, without framing; padding and chunk sizes are framing. */
  readonly bytes: Readonly<Record<Side, number>>
  /** gRPC messages that each side sent. */
  readonly messages?: Readonly<Record<Side, number>>
  /** Label of the path template that it matched. */
  readonly route?: string
  /** Why the proxy itself has answered, in a server's place: a reason of `http-route`. */
  readonly refused?: string
  /** How often it was sent again; absent where it was not. */
  readonly retries?: number
}
