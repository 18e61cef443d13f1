import { nativeAddon } from './core/native/native-addon.js'
import { NativeTransport } from './core/native/native-transport.js'
import { SocketPoller } from './core/native/socket-poller.js'
import { NodeTransport } from './core/node-transport.js'
import type { TransparentSockets } from './core/transparent-sockets.js'
import type { Transport } from './core/transport.js'

/** Which transport a process uses, and why not the native one. */
export type TransportChoice =
  { readonly name: 'native'; readonly poller: SocketPoller } | { readonly name: 'node'; readonly reason: string }

let chosen: TransportChoice | undefined

/** The native transport where its addon is there, else Node's; `SLUICE_TRANSPORT=node` says Node's. Throws where it says neither. */
export function transportChoice(): TransportChoice {
  return (chosen ??= choose(process.env.SLUICE_TRANSPORT))
}

/** A transport over the sockets of this system. */
export function systemTransport(transparentSockets: TransparentSockets): Transport {
  const choice = transportChoice()
  if (choice.name === 'native') return new NativeTransport(choice.poller, transparentSockets)
  return new NodeTransport({ transparentSockets })
}

function choose(wanted: string | undefined): TransportChoice {
  if (wanted === 'node') return { name: 'node', reason: 'SLUICE_TRANSPORT=node' }
  if (wanted !== undefined && wanted !== '' && wanted !== 'native')
    throw new Error(`SLUICE_TRANSPORT is "${wanted}": expected "native" or "node"`)
  const { addon, problem } = nativeAddon()
  if (addon === undefined) return { name: 'node', reason: problem }
  try {
    return { name: 'native', poller: new SocketPoller(addon) }
  } catch (error) {
    return { name: 'node', reason: `the native transport does not start: ${(error as Error).message}` }
  }
}
