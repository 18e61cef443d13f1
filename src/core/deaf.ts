import type { WireReader } from './wire.js'

/** Hears nothing: the reader of a wire that has none, or whose bytes nobody wants. */
export const deaf: WireReader = { onChunk: () => {}, onEnd: () => {}, onError: () => {}, onDrain: () => {} }
