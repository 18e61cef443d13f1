import { readFileSync, readlinkSync } from 'node:fs'
import { SluiceError } from './errors.js'

/** What the parent process says of the sockets that it passes on: sd_listen_fds(3). */
export type ActivationEnvironment = Readonly<Record<string, string | undefined>>

/** The first descriptor that is passed on; 0 to 2 are the standard streams. */
const FIRST = 3
/** proc_pid_net(5): the state of a listening socket, TCP_LISTEN of the kernel. */
const LISTENING = '0A'

/**
 * Descriptors of the sockets that `fd:NAME` stands for, or the one that `fd:3` does: systemd may pass several under one name. Throws
 * a SluiceError (SLUICE_NO_INHERITED_SOCKET) where there is none: Node has descriptors of its own, which nobody may listen on.
 */
export function inheritedDescriptors(
  inherited: string,
  environment: ActivationEnvironment = process.env,
  pid: number = process.pid,
): number[] {
  const passed = passedDescriptors(environment, pid)
  if (!/^\d+$/.test(inherited)) return named(inherited, passed)
  const descriptor = Number(inherited)
  // Other parents than systemd pass sockets without a word; then the kernel has to know it as a listening one.
  if (passed.some((one) => one.descriptor === descriptor) || isListening(descriptor)) return [descriptor]
  const hint = passed.length === 0 ? '; LISTEN_FDS of the environment names none for this process' : listOf(passed)
  throw missing(inherited, `no listening socket was passed in as descriptor ${descriptor}${hint}`)
}

interface PassedDescriptor {
  readonly descriptor: number
  readonly name: string
}

/** Those of LISTEN_FDS, if they are for this process: a child of whom they were for may have inherited the variables alone. */
function passedDescriptors({ LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES }: ActivationEnvironment, pid: number) {
  if (LISTEN_FDS === undefined || Number(LISTEN_PID) !== pid || !/^\d+$/.test(LISTEN_FDS)) return []
  const names = LISTEN_FDNAMES?.split(':') ?? []
  return Array.from({ length: Number(LISTEN_FDS) }, (_, index): PassedDescriptor => {
    return { descriptor: FIRST + index, name: names[index] ?? 'unknown' }
  })
}

function named(name: string, passed: readonly PassedDescriptor[]): number[] {
  const found = passed.filter((one) => one.name === name).map(({ descriptor }) => descriptor)
  if (found.length > 0) return found
  throw missing(name, `no socket was passed in under the name "${name}"${listOf(passed)}`)
}

function listOf(passed: readonly PassedDescriptor[]): string {
  if (passed.length === 0) return '; LISTEN_FDS of the environment names none for this process'
  return `; there are ${passed.map(({ descriptor, name }) => `fd:${descriptor} ("${name}")`).join(', ')}`
}

function isListening(descriptor: number): boolean {
  const inode = /^socket:\[(\d+)\]$/.exec(readOr('', () => readlinkSync(`/proc/self/fd/${descriptor}`)))?.[1]
  if (inode === undefined) return false
  const tables = ['tcp', 'tcp6'].map((name) => readOr('', () => readFileSync(`/proc/self/net/${name}`, 'latin1')))
  return tables.some((table) => table.split('\n').some((line) => isOf(line, inode)))
}

/** proc_pid_net(5): slot, local, remote, state, queues, timer, retransmits, uid, timeout, inode. */
function isOf(line: string, inode: string): boolean {
  const fields = line.trim().split(/\s+/)
  return fields[3] === LISTENING && fields[9] === inode
}

function readOr(fallback: string, read: () => string): string {
  try {
    return read()
  } catch {
    return fallback
  }
}

function missing(inherited: string, reason: string): SluiceError {
  return new SluiceError('SLUICE_NO_INHERITED_SOCKET', `fd:${inherited}`, reason)
}
