/** Which of the two that talk. Our sockets to them are called downstream (client) and upstream (server). */
export type Side = 'client' | 'server'

export function otherSide(side: Side): Side {
  return side === 'client' ? 'server' : 'client'
}
