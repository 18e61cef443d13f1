import { readFile } from 'node:fs/promises'

/** Descriptors that this process may hold, as Linux says it; undefined where there is no limit or it cannot be read. */
export async function descriptorLimit(file = '/proc/self/limits'): Promise<number | undefined> {
  const limits = await readFile(file, 'utf8').catch(() => '')
  // proc(5): name, soft limit, hard limit, unit. Node raises the soft limit to the hard one when it starts.
  const match = /^Max open files +(\d+)/m.exec(limits)
  return match ? Number(match[1]) : undefined
}
