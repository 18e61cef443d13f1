import { SluiceError } from '../core/errors.js'
import type { Family } from './rules.js'
import { findProgram, runProgram } from './system-program.js'

const EVERYWHERE: Readonly<Record<Family, string>> = { ipv4: '0.0.0.0/0', ipv6: '::/0' }

/** The commands of ip(8) that bring marked packets to this machine, whatever their address: a rule, and a table with one route. */
export function routingCommands(family: Family, mark: number): string[][] {
  return [
    ['rule', 'add', 'fwmark', String(mark), 'lookup', String(mark)],
    ['route', 'replace', 'local', EVERYWHERE[family], 'dev', 'lo', 'table', String(mark)],
  ].map((command) => inFamily(family, command))
}

/** Puts them in place; what is there stays. Throws a SluiceError (SLUICE_INTERCEPT_FAILED). */
export async function addRouting(family: Family, mark: number): Promise<void> {
  const [addRule, setRoute] = routingCommands(family, mark)
  if ((await countRules(family, mark)) === 0) await ip(addRule!)
  await ip(setRoute!)
}

/** Takes all of them away. Where ip(8) is not installed nothing can have been put in place. */
export async function removeRouting(family: Family, mark: number): Promise<void> {
  if (findProgram('ip') === undefined) return
  for (let left = await countRules(family, mark); left > 0; left--) {
    await ip(inFamily(family, ['rule', 'del', 'fwmark', String(mark), 'lookup', String(mark)]))
  }
  // A table that never had a route is an error to some versions, and no lines to others.
  const table = inFamily(family, ['route', 'show', 'table', String(mark)])
  const { stdout } = await runProgram(ipProgram(), table)
  if (!stdout.includes('local default dev lo')) return
  await ip(inFamily(family, ['route', 'del', 'local', EVERYWHERE[family], 'dev', 'lo', 'table', String(mark)]))
}

async function countRules(family: Family, mark: number): Promise<number> {
  const text = await ip(inFamily(family, ['rule', 'show']))
  const ours = new RegExp(`\\bfwmark 0x${mark.toString(16)} lookup ${mark}\\b`)
  return text.split('\n').filter((line) => ours.test(line)).length
}

function inFamily(family: Family, command: readonly string[]): string[] {
  return [family === 'ipv4' ? '-4' : '-6', ...command]
}

function ipProgram(): string {
  const program = findProgram('ip')
  if (program !== undefined) return program
  const reason = 'TPROXY needs routing rules, and ip is not installed (package iproute2)'
  throw new SluiceError('SLUICE_INTERCEPT_FAILED', 'ip', reason)
}

async function ip(args: readonly string[]): Promise<string> {
  const { isOk, stdout, stderr } = await runProgram(ipProgram(), args)
  if (isOk) return stdout
  throw new SluiceError('SLUICE_INTERCEPT_FAILED', 'ip', `ip ${args.join(' ')} failed: ${stderr.trim()}`)
}
