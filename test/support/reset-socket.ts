import type { Socket } from 'node:net'

/**
 * Resets a socket, in whatever state. Node's own `resetAndDestroy()` fails while the socket is being shut down (EINVAL of libuv, seen
 * on Node 20 and 24), and then leaves it open for ever without a 'close': so that is waited for.
 */
export function resetSocket(socket: Socket): void {
  const isShuttingDown = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
  if (isShuttingDown) socket.once('finish', () => socket.resetAndDestroy())
  else if (!socket.destroyed) socket.resetAndDestroy()
}
