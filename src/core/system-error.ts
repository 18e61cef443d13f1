import { getSystemErrorName } from 'node:util'
import type { Address } from './address.js'

/** An error as Node makes them of a failed system call: `errno` is negated, `address` the peer's where there is one. */
export function systemError(syscall: string, errno: number, address?: Address): NodeJS.ErrnoException {
  const code = getSystemErrorName(errno)
  if (address === undefined) return Object.assign(new Error(`${syscall} ${code}`), { errno, code, syscall })
  const { host, port } = address
  return Object.assign(new Error(`${syscall} ${code} ${host}:${port}`), { errno, code, syscall, address: host, port })
}
