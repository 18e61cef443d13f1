import { existsSync, readFileSync } from 'node:fs'
import { SluiceError } from '../core/errors.js'
import type { InterceptionPlan } from './interception-plan.js'
import { Iptables, type IptablesMode, programName } from './iptables.js'
import { addRouting, removeRouting, routingCommands } from './policy-routing.js'
import { NO_RULES, ourRules, ruleChanges } from './rule-changes.js'
import { type Family, type Rules, rulesOf } from './rules.js'

export interface InterceptOptions {
  /** `auto`: where rules are already, else what works. */
  readonly iptablesMode: IptablesMode | 'auto'
  readonly families: readonly Family[]
}

/** What has to be done with the programs of one mode for one family. */
export interface Change {
  readonly iptables: Iptables
  /** For `iptables-restore --noflush`; empty: nothing. */
  readonly text: string
  /** Rules of ours that will be there. */
  readonly ruleCount: number
  /** Numbers of routing tables that are wanted, and that are there and not wanted. */
  readonly addedMark: number | undefined
  readonly removedMarks: readonly number[]
}

/** proc_net(5): a line for each IPv6 address of this network namespace. There is no such file where the kernel has no IPv6. */
const IPV6_ADDRESSES = '/proc/self/net/if_inet6'

export function hasIpv6(): boolean {
  return existsSync(IPV6_ADDRESSES) && readFileSync(IPV6_ADDRESSES, 'latin1') !== ''
}

/**
 * What makes the rules of `plan` of whatever is there; without a plan, what takes all of ours away, of every mode. Changes nothing
 * itself. Throws a SluiceError (SLUICE_INTERCEPT_FAILED) where iptables is not installed or may not be used.
 */
export async function findChanges(plan: InterceptionPlan | undefined, options: InterceptOptions): Promise<Change[]> {
  const changes: Change[] = []
  let { iptablesMode } = options
  for (const family of options.families) {
    const candidates = await findCandidates(family, options.iptablesMode)
    const wanted = plan === undefined ? NO_RULES : rulesOf(plan, family)
    // Both families by the same programs: who looks at one finds the other.
    if (iptablesMode === 'auto' && plan !== undefined) iptablesMode = (await choose(candidates, wanted)).iptables.mode
    for (const { iptables, saved } of candidates) {
      const isChosen = plan !== undefined && iptables.mode === iptablesMode
      const { addedMark, removedMarks } = marksOf(ourRules(saved), wanted)
      const change = { text: ruleChanges(ourRules(saved), isChosen ? wanted : NO_RULES), removedMarks }
      if (isChosen) changes.push({ iptables, ...change, ruleCount: countRules(wanted), addedMark })
      else changes.push({ iptables, ...change, ruleCount: 0, addedMark: undefined })
    }
  }
  return changes.filter(({ text, removedMarks }) => text !== '' || removedMarks.length > 0)
}

/** Makes the changes: asks the kernel about all of them first, so that none is made where one would be refused. */
export async function makeChanges(changes: readonly Change[]): Promise<void> {
  for (const { iptables, text } of changes) await iptables.test(text)
  // Packets are marked only while there is a way for marked ones.
  for (const { iptables, addedMark } of changes) {
    if (addedMark !== undefined) await addRouting(iptables.family, addedMark)
  }
  for (const { iptables, text } of changes) await iptables.restore(text)
  for (const { iptables, removedMarks } of changes) {
    for (const mark of removedMarks) await removeRouting(iptables.family, mark)
  }
}

/** The same as text, for people and for scripts of their own. */
export function describeChange({ iptables, text, addedMark }: Pick<Change, 'iptables' | 'text' | 'addedMark'>): string {
  const routing = addedMark === undefined ? [] : routingCommands(iptables.family, addedMark)
  const commands = routing.map((command) => `# ip ${command.join(' ')}\n`)
  return [...commands, `# ${iptables.name} --noflush\n`, text].join('')
}

interface Candidate {
  readonly iptables: Iptables
  readonly saved: string
}

/** The programs that are installed, with the rules that they see: of the mode that is asked for, and of others to clear them away. */
async function findCandidates(family: Family, mode: IptablesMode | 'auto'): Promise<Candidate[]> {
  const both = (['nft', 'legacy'] as const).flatMap((one) => Iptables.find(family, one) ?? [])
  const plain = mode === 'plain' || (mode === 'auto' && both.length === 0) ? Iptables.find(family, 'plain') : undefined
  const installed = plain === undefined ? both : [plain]
  if (!installed.some((one) => mode === 'auto' || one.mode === mode)) throw notInstalled(family, mode)
  const candidates: Candidate[] = []
  let reason: unknown
  for (const iptables of installed) {
    try {
      candidates.push({ iptables, saved: await iptables.save() })
    } catch (error) {
      // A kernel may have one of the two alone: only what was asked for has to work.
      if (iptables.mode === mode) throw error
      reason ??= error
    }
  }
  if (candidates.length === 0) throw reason
  return candidates
}

/** Rules of one kind beside rules of the other confuse whoever looks at them: the kind that is there is taken, then what works. */
async function choose(candidates: readonly Candidate[], wanted: Rules): Promise<Candidate> {
  const countOf = ({ saved }: Candidate): number => saved.split('\n').filter((line) => line.startsWith('-A ')).length
  const inOrder = [...candidates].sort((a, b) => countOf(b) - countOf(a))
  let reason: unknown
  for (const candidate of inOrder) {
    try {
      await candidate.iptables.test(ruleChanges(ourRules(candidate.saved), wanted))
      return candidate
    } catch (error) {
      reason ??= error
    }
  }
  throw reason
}

function marksOf(present: Rules, wanted: Rules): Pick<Change, 'addedMark' | 'removedMarks'> {
  const [addedMark] = tproxyMarks(wanted)
  return { addedMark, removedMarks: tproxyMarks(present).filter((mark) => mark !== addedMark) }
}

/** The marks of TPROXY rules, each of which has a routing table of that number. */
function tproxyMarks(rules: Rules): number[] {
  const marks = linesOf(rules).flatMap((line) => /--tproxy-mark (0x[\da-f]+)/.exec(line)?.[1] ?? [])
  return [...new Set(marks.map(Number))]
}

function countRules(rules: Rules): number {
  return linesOf(rules).length + Object.values(rules).flatMap(({ jumps }) => jumps).length
}

function linesOf(rules: Rules): string[] {
  return Object.values(rules).flatMap(({ chains }) => Object.values(chains).flat())
}

function notInstalled(family: Family, mode: IptablesMode | 'auto'): SluiceError {
  const name = programName(family, mode === 'auto' ? 'plain' : mode, 'restore')
  const hint = family === 'ipv6' ? ', or leave IPv6 out with --no-ipv6' : ''
  const reason = `${name} is not installed: install the package iptables${hint}`
  return new SluiceError('SLUICE_INTERCEPT_FAILED', name, reason)
}
