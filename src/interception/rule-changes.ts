import { CHAIN_PREFIX, type Rules, type TableRules } from './rules.js'

/** No table of ours: what `--remove` leads to. */
export const NO_RULES: Rules = {}

/** What is ours in the text of `iptables-save`. */
export function ourRules(saved: string): Rules {
  const tables: Record<string, { chains: Record<string, string[]>; jumps: string[] }> = {}
  let table = { chains: {} as Record<string, string[]>, jumps: [] as string[] }
  for (const line of saved.split('\n')) {
    const [, name] = /^\*(\S+)/.exec(line) ?? []
    if (name !== undefined) tables[name] = table = { chains: {}, jumps: [] }
    const [, chain] = /^:(\S+)/.exec(line) ?? []
    if (chain?.startsWith(CHAIN_PREFIX)) table.chains[chain] = []
    const [, owner, rule, target] = /^-A (\S+) (.*-[jg] (\S+).*)$/.exec(line) ?? []
    if (owner === undefined) continue
    if (owner.startsWith(CHAIN_PREFIX)) table.chains[owner]?.push(rule!)
    else if (target!.startsWith(CHAIN_PREFIX)) table.jumps.push(line)
  }
  return tables
}

/**
 * The input of `iptables-restore --noflush` that makes `wanted` of `present`, whatever that is: each table changes in one step or not
 * at all, and nobody else's rule is touched. Empty where there is nothing to do.
 */
export function ruleChanges(present: Rules, wanted: Rules): string {
  const names = [...new Set([...Object.keys(wanted), ...Object.keys(present)])]
  return names.map((name) => tableChanges(name, present[name] ?? NOTHING, wanted[name] ?? NOTHING)).join('')
}

const NOTHING: TableRules = { chains: {}, jumps: [] }

function tableChanges(name: string, present: TableRules, wanted: TableRules): string {
  const stale = Object.keys(present.chains).filter((chain) => !(chain in wanted.chains))
  // A jump that is there stays where it is among the rules of others; one is enough.
  const kept = new Set(present.jumps.filter((jump) => wanted.jumps.includes(jump)))
  const superfluous = present.jumps.filter((jump, index) => !kept.has(jump) || present.jumps.indexOf(jump) !== index)
  const lines = [
    // Makes the chain, or empties it.
    ...Object.keys(wanted.chains).map((chain) => `:${chain} - [0:0]`),
    ...superfluous.map((jump) => jump.replace(/^-A/, '-D')),
    ...stale.map((chain) => `-F ${chain}`),
    ...stale.map((chain) => `-X ${chain}`),
    ...Object.entries(wanted.chains).flatMap(([chain, rules]) => rules.map((rule) => `-A ${chain} ${rule}`)),
    ...wanted.jumps.filter((jump) => !kept.has(jump)),
  ]
  return lines.length === 0 ? '' : [`*${name}`, ...lines, 'COMMIT', ''].join('\n')
}
