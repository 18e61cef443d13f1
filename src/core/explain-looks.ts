import type { LookedAt } from './looked-at.js'
import type { Side } from './side.js'
import type { TraceStep } from './trace.js'
import { type Vote, votesOn } from './votes.js'

const SIDES: readonly Side[] = ['client', 'server']

/** Every vote on what detection looked at, as far as it is kept: the client's side first. */
export function votesOnLooks(lookedAt: LookedAt | undefined): Vote[] {
  return SIDES.flatMap((side) => {
    const look = lookedAt?.[side]
    return lookedAt && look ? votesOn(lookedAt.plan, side, look.bytes, look.size) : []
  })
}

/** The steps of a trace, with one for each side that detection looked at, where it spoke first. */
export function stepsWithLooks(steps: readonly TraceStep[], lookedAt: LookedAt | undefined): TraceStep[] {
  const votes = votesOnLooks(lookedAt)
  const looks = SIDES.flatMap((side) => {
    const look = lookedAt?.[side]
    if (lookedAt === undefined || look === undefined) return []
    const fate = lookedAt.isWithheld ? 'withheld' : 'passed on'
    const note = `${counted(look.size, 'byte')}, ${fate}: ${summarize(votes.filter((vote) => vote.side === side))}`
    return [{ before: look.stepsBefore, step: { atMs: look.atMs, step: side, verdict: '', note } }]
  })
  const told: TraceStep[] = []
  for (let i = 0; i <= steps.length; i++) {
    const here = looks.filter(({ before }) => before === i).sort((a, b) => a.step.atMs - b.step.atMs)
    told.push(...here.map(({ step }) => step), ...steps.slice(i, i + 1))
  }
  return told
}

/** `mysql yes after 6; 11 others no after 1 to 4`. */
function summarize(votes: readonly Vote[]): string {
  const asked = votes.filter(({ verdict }) => verdict !== 'deaf')
  const yes = asked.filter(({ verdict }) => verdict === 'match' || verdict === 'sure')
  const waiting = asked.filter(({ verdict }) => verdict === 'need-more')
  const failed = asked.filter(({ verdict }) => verdict === 'failed')
  const no = asked.filter(({ verdict }) => verdict === 'no-match').map(({ afterBytes }) => afterBytes)
  const parts = yes.map(({ protocol, afterBytes }) => `${protocol} yes after ${afterBytes}`)
  if (waiting.length > 0) parts.push(`${names(waiting)} wanted more${cutText(waiting)}`)
  if (failed.length > 0) parts.push(`${names(failed)} failed`)
  if (no.length > 0) parts.push(`${no.length}${parts.length > 0 ? ' others' : ''} no after ${range(no)}`)
  return parts.length > 0 ? parts.join('; ') : 'no sniffer listens to this side'
}

function names(votes: readonly Vote[]): string {
  return votes.map(({ protocol }) => protocol).join(', ')
}

/** Later bytes may have decided: the trace does not have them. */
function cutText(votes: readonly Vote[]): string {
  const [cut] = votes.filter(({ isCut }) => isCut)
  return cut ? ` after the ${cut.afterBytes} that are kept` : ''
}

function range(numbers: readonly number[]): string {
  const least = Math.min(...numbers)
  const most = Math.max(...numbers)
  return least === most ? `${least}` : `${least} to ${most}`
}

function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
