import { readdirSync, readlinkSync } from 'node:fs'

/** Sockets that this process holds, as the kernel counts them. Linux only. */
export function openSockets(): number {
  return readdirSync('/proc/self/fd').filter((descriptor) => {
    try {
      return readlinkSync(`/proc/self/fd/${descriptor}`).startsWith('socket:')
    } catch {
      return false // the one that read the folder
    }
  }).length
}
