import { lookup } from 'node:dns/promises'
import { once } from 'node:events'
import type { Server } from 'node:net'
import type { Address } from './address.js'
import type { TransparentSockets } from './transparent-sockets.js'
import type { ListenOptions } from './transport.js'

/** Connections that the kernel completes before we accept them. It caps this with net.core.somaxconn, 4096 since Linux 5.4. */
const BACKLOG = 4096

/**
 * Has one of Node's servers bind and listen. Gives its address in the turn in which it begins to listen, before it accepts anybody;
 * rejects with Node's error where it cannot.
 */
export async function startListening(
  server: Server,
  options: ListenOptions,
  transparentSockets: TransparentSockets,
): Promise<Address> {
  const { host, port, ipv6Only } = options
  const descriptor =
    options.descriptor ?? (options.isTransparent ? await transparentListener(options, transparentSockets) : undefined)
  // Node takes the backlog of a descriptor from the second argument alone.
  if (descriptor === undefined) server.listen({ host, port, ipv6Only, backlog: BACKLOG })
  else (server.listen as (options: object, backlog: number) => Server).call(server, { fd: descriptor }, BACKLOG)
  await once(server, 'listening')
  const bound = server.address()
  if (bound === null || typeof bound === 'string') throw new TypeError('not a TCP server')
  return { host: bound.address, port: bound.port }
}

async function transparentListener(
  { host, port, ipv6Only }: ListenOptions,
  transparentSockets: TransparentSockets,
): Promise<number> {
  const { address } = await lookup(host)
  return transparentSockets.listener({ host: address, port }, ipv6Only)
}
