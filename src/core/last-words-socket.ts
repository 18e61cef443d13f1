import { Socket } from 'node:net'

/**
 * A socket that hands on what its peer has said before a write to it failed. A server may answer a request that it does not read to its
 * end (a 413) and close: the kernel then resets the connection, the next write fails, and Node closes the socket over what has come and
 * was not read yet. Linux still gives that to who reads: so it is read once more before the error is told, if reading is not paused.
 */
export class LastWordsSocket extends Socket {
  #isClosing = false

  override destroy(error?: NodeJS.ErrnoException): this {
    if (error?.syscall !== 'write' || this.#isClosing || this.isPaused()) return super.destroy(error)
    this.#isClosing = true
    // The first may run before the event loop has looked at the socket again, the second does not.
    setImmediate(() => setImmediate(() => super.destroy(error)))
    return this
  }
}
