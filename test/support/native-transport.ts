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

/** Asks for the addon: in CI it is an error where it is missing; elsewhere a test that needs it is skipped, and its title says why. */
export function needNativeAddon(): { readonly isMissing: boolean; readonly why: string } {
  const { addon, problem } = nativeAddon()
  if (addon !== undefined) return { isMissing: false, why: '' }
  if (process.env.CI === 'true') throw new Error(`${problem}. With CI=true every test must run`)
  return { isMissing: true, why: ` [skipped: ${problem}]` }
}
