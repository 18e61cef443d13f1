import { getSystemErrorName } from 'node:util'
import type { HostPort } from '../core/config/config.js'
import type { TransparentSockets } from '../core/transparent-sockets.js'
import { nativeAddon, type NativeAddon } from '../core/native/native-addon.js'

/** Makes them by the native addon. */
export const kernelTransparentSockets: TransparentSockets = {
  get unavailable() {
    return nativeAddon().problem
  },
  listener: ({ host, port }: HostPort, isIpv6Only) =>
    checked('bind', addon().transparentListener(host, port, isIpv6Only)),
  source: (host) => checked('bind', addon().transparentSource(host)),
  probe: () => addon().closeDescriptor(checked('setsockopt', addon().transparentSource('127.0.0.1'))),
}

function addon(): NativeAddon {
  const { addon: loaded, problem } = nativeAddon()
  if (loaded === undefined) throw new Error(problem)
  return loaded
}

/** The descriptor; throws where it is a negated errno. */
function checked(syscall: string, result: number): number {
  if (result >= 0) return result
  const code = getSystemErrorName(result)
  throw Object.assign(new Error(`${syscall} ${code}`), { code, errno: result, syscall })
}
