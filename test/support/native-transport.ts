import { NativeTransport } from '../../src/core/native/native-transport.js'
import { SocketPoller } from '../../src/core/native/socket-poller.js'
import { nativeAddon } from '../../src/core/native/native-addon.js'
import { transportChoice } from '../../src/system-transport.js'

let own: SocketPoller | undefined

/** The one poller of this process, whatever SLUICE_TRANSPORT says. Throws where the addon is not there. */
export function nativePoller(): SocketPoller {
  const choice = transportChoice()
  if (choice.name === 'native') return choice.poller
  const { addon, problem } = nativeAddon()
  if (addon === undefined) throw new Error(problem)
  return (own ??= new SocketPoller(addon))
}

export function nativeTransport(): NativeTransport {
  return new NativeTransport(nativePoller())
}
