import type { Socket } from 'node:net'

/** Closes one of Node's sockets with RST, in whatever state it is. */
export function resetSocket(socket: Socket): void {
  // On a socket that is still connecting, resetAndDestroy() would wait for the connection first. While our FIN is under way it
  // fails, and the socket is then never closed (libuv: SO_LINGER must not be combined with a shutdown): one turn later it works.
  const isEnding = socket.writableEnded && !socket.writableFinished && socket.writableLength === 0
  if (socket.connecting) socket.destroy()
  else if (isEnding) socket.once('finish', () => socket.resetAndDestroy())
  else socket.resetAndDestroy()
}
