import type { HostPort } from './config/config.js'

/**
 * Sockets that carry addresses which are not this machine's: Linux's IP_TRANSPARENT. The default has no way to make them and says so
 * at start-up; interception provides another.
 */
export interface TransparentSockets {
  /** Why they cannot be made here, for the error of a config that needs them; undefined where they can, privileges aside. */
  readonly unavailable?: string | undefined
  /**
   * Descriptor of a socket that is bound to `address` and takes connections headed anywhere, as TPROXY rules bring them. Whoever
   * gets it listens on it and closes it. Throws the system's error; EPERM without CAP_NET_ADMIN or CAP_NET_RAW.
   */
  listener(address: HostPort, isIpv6Only: boolean): number
  /** Descriptor of a socket that will connect from `host`, whoever's it is, and a port that the kernel picks then. Throws as above. */
  source(host: string): number
  /** Throws where the process may not make them. Leaves nothing behind. */
  probe(): void
}

export const noTransparentSockets: TransparentSockets = {
  unavailable: 'this build of Sluice cannot make transparent sockets',
  listener: unavailable,
  source: unavailable,
  probe: unavailable,
}

function unavailable(): never {
  throw new Error('this build of Sluice cannot make transparent sockets')
}
