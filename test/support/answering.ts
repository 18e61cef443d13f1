import type { Peer } from './sockets.js'

/** Answers each request of a connection, told by the empty line that ends its head, with the next of these; then with the last. */
export function answering(...answers: readonly string[]): (peer: Peer) => void {
  let next = 0
  return (peer) => {
    let seen = 0
    peer.socket.on('data', () => {
      for (let at = peer.text.indexOf('\r\n\r\n', seen); at >= 0; at = peer.text.indexOf('\r\n\r\n', seen)) {
        seen = at + 4
        peer.send(answers[Math.min(next++, answers.length - 1)]!)
      }
    })
  }
}
