import { lookup } from 'node:dns/promises'
import type { Transport } from './transport.js'

/** The addresses of a name, by the transport or else by this machine, in the order in which they are to be tried. */
export async function lookupAddresses(transport: Transport, name: string): Promise<readonly string[]> {
  if (transport.lookup) return await transport.lookup(name)
  const addresses = await lookup(name, { all: true })
  return addresses.map(({ address }) => address)
}
