/**
 * Where, in what a client says in the clear, TLS begins.
 *
 * Whoever asks for TLS says nothing more in the clear until it has the answer, and no protocol here has a message that begins as a
 * TLS record does: what the client says next tells whether it begins TLS. Whether the server does, its own bytes tell.
 */
export interface UpgradeScan {
  /** The index in `chunk` of the first byte of TLS; -1 where the chunk holds none. Chunks come in order, each once. */
  next(chunk: Uint8Array): number
  /** TLS will not begin any more. */
  readonly isOver: boolean
}

/** The first byte of a TLS record that holds handshake messages: RFC 8446 section 5.1. */
export const HANDSHAKE_RECORD = 0x16
