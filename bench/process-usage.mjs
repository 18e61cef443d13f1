import { readdirSync, readFileSync } from 'node:fs'

/** Ticks a second of /proc/stat: USER_HZ, 100 on every Linux platform that Node runs on. */
const TICKS_PER_SECOND = 100

/**
 * CPU time of a process with all its threads and children since they began, in seconds.
 * From /proc/PID/task/TID/schedstat, whose first number is nanoseconds on a CPU; /proc/PID/stat counts only hundredths.
 */
export function cpuSeconds(pid) {
  let nanoseconds = 0
  for (const member of processTree(pid)) {
    for (const thread of readdirSync(`/proc/${member}/task`)) {
      nanoseconds += Number(readFileSync(`/proc/${member}/task/${thread}/schedstat`, 'utf8').split(' ')[0])
    }
  }
  return nanoseconds / 1e9
}

/** CPU time of this process and of its children that have ended, such as load tools, in seconds. */
export function ownCpuSeconds() {
  // proc(5): after the name in brackets come state and numbers; cutime and cstime are fields 16 and 17 of the line.
  const fields = readFileSync('/proc/self/stat', 'utf8').split(') ').at(-1).split(' ')
  const { user, system } = process.cpuUsage()
  return (user + system) / 1e6 + (Number(fields[13]) + Number(fields[14])) / TICKS_PER_SECOND
}

/** Resident memory of a process and its children, in bytes. smaps_rollup is exact; VmRSS lags behind on newer kernels. */
export function residentBytes(pid) {
  let kibibytes = 0
  for (const member of processTree(pid)) {
    kibibytes += Number(/^Rss:\s+(\d+) kB/m.exec(readFileSync(`/proc/${member}/smaps_rollup`, 'utf8'))[1])
  }
  return kibibytes * 1024
}

/** Time the given core was busy since boot, whoever used it, interrupts and stolen time included, in seconds. */
export function coreBusySeconds(core) {
  const line = new RegExp(`^cpu${core} (.+)$`, 'm').exec(readFileSync('/proc/stat', 'utf8'))
  if (line === null) throw new Error(`there is no core ${core} on this machine`)
  // proc(5): user nice system idle iowait irq softirq steal guest guest_nice; user contains guest.
  const [user, nice, system, , , irq, softirq, steal] = line[1].trim().split(' ').map(Number)
  return (user + nice + system + irq + softirq + steal) / TICKS_PER_SECOND
}

/** Connections that were accepted on this machine since boot. */
export function acceptedConnections() {
  const [names, values] = readFileSync('/proc/net/snmp', 'utf8')
    .split('\n')
    .filter((line) => line.startsWith('Tcp:'))
    .map((line) => line.split(' '))
  return Number(values[names.indexOf('PassiveOpens')])
}

function processTree(pid) {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((thread) =>
    readFileSync(`/proc/${pid}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean),
  )
  return [pid, ...children.flatMap(processTree)]
}
