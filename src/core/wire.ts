import type { Duplex } from 'node:stream'

/** Receives what one side of a connection says. At most one reader at a time; a second one replaces the first. */
export interface WireReader {
  /** `chunk` is borrowed: valid until this returns, overwritten afterwards. Keep a copy, not a view. */
  onChunk(chunk: Uint8Array): void
  /** The peer has ended its half (FIN). Writing goes on. */
  onEnd(): void
  /** The wire is broken (reset, or another error); nothing more will come and nothing can be written. */
  onError(error: NodeJS.ErrnoException): void
  /** What `write` had to keep has left: go on. Called only after `write` returned false. */
  onDrain(): void
  /**
   * The peer has reset the connection while the wire was paused: what came before that can still be read, and `onError` stands behind it.
   * Told where the transport hears of it, which Node's sockets do not.
   */
  onBreak?(): void
  /** The wire is being given up with `detach()`: hand back the bytes that you hold and have not passed on. */
  onDetach?(): Uint8Array | undefined
}

/**
 * One side of a connection, as borrowed chunks. Hides the transport: the native one, or Node's sockets.
 *
 * A wire reads as soon as it is open: give it a reader in the callback in which you get it. Many sockets may be told of in one turn, and
 * promises go on behind the last of them. Half-close is allowed in both directions.
 */
export interface Wire {
  /** Bytes read from and written to the peer so far. */
  readonly bytesRead: number
  readonly bytesWritten: number
  /** Bytes accepted by `write` that the kernel has not taken yet. */
  readonly pendingBytes: number
  readonly localHost: string | undefined
  readonly localPort: number | undefined
  /**
   * Calls once when both directions are over, whoever reads by then: last of all, also after `reset()` and `close()`. A second call
   * replaces the first. The core's own: filters have the connection's `onClose`.
   */
  whenClosed(callback: () => void): void
  /** Make `reader` the one that is called. A paused wire stays paused. */
  read(reader: WireReader): void
  /** The chunk is yours again when this returns. False: pause your source until `onDrain`. After `end`, `reset` or `close`: ignored. */
  write(chunk: Uint8Array): boolean
  pause(): void
  resume(): void
  /** Send FIN after what was written. The peer may go on. */
  end(): void
  /** Close at once with RST, so that the peer cannot take it for a complete answer. */
  reset(): void
  /** Close at once; what was written and taken by the kernel is still delivered. */
  close(): void
  /** Give the wire up to `node:tls`, `node:http` or any other user of streams; bytes that the reader held are put back. */
  detach(): Duplex
}
