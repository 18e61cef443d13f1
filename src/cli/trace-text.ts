import type { CloseSummary } from '../core/close-summary.js'
import type { TraceStep } from '../core/trace.js'
import type { Vote } from '../core/votes.js'
import { denySentence } from './deny-sentences.js'
import { counted, formatMs } from './quantities.js'

/** A connection as the admin endpoint gives it. */
export type ExplainedConnection = Omit<CloseSummary, 'closedBy' | 'reason'> &
  Partial<Pick<CloseSummary, 'closedBy' | 'reason'>> & {
    readonly state: 'open' | 'closed' | 'recorded'
    readonly trace?: readonly TraceStep[]
    readonly votes?: readonly Vote[]
  }

const TIME_WIDTH = 9
const STEP_WIDTH = 'port-override'.length
const VERDICT_WIDTH = 'continue'.length
const VOTE_WIDTH = 'need-more'.length
/** Steps that are part of what the filter before them does. */
const INNER_STEPS = new Set(['upstream', 'client', 'server'])
/** Bytes, notes and facts come from strangers: nothing of theirs may steer a terminal. */
const UNPRINTABLE = /[^\x20-\x7e]/g

/** Everything about one connection, for people. */
export function connectionText(connection: ExplainedConnection, isWithVotes: boolean): string {
  const { denied, votes = [], trace = [] } = connection
  const lines = [headline(connection), '', ...trace.map((step) => stepLine(step, votes, isWithVotes))]
  if (denied) lines.push('', ...denialLines(denied, connection))
  if (isWithVotes)
    lines.push(
      '',
      ...(votes.length > 0 ? voteLines(votes, connection) : ['no votes: nothing was looked at, or traceBytes is 0']),
    )
  return `${lines.map((line) => line.replace(UNPRINTABLE, '?').trimEnd()).join('\n')}\n`
}

/** Whom the votes named, and what is known beside the name. */
export type Named = Pick<CloseSummary, 'facts'> & Partial<Pick<CloseSummary, 'protocol' | 'decidedBy'>>

/** Who voted what, a line each; both sides where both spoke. */
export function voteLines(votes: readonly Vote[], named: Named): string[] {
  const isBothSides = new Set(votes.map(({ side }) => side)).size > 1
  const width = Math.max(0, ...votes.map(({ protocol }) => protocol.length))
  return votes
    .filter(({ verdict }) => verdict !== 'deaf')
    .map((vote) => {
      const side = isBothSides ? `${vote.side}  ` : ''
      const name = vote.protocol.padEnd(width)
      return `  ${side}${name}  ${verdictWord(vote).padEnd(VOTE_WIDTH)}  ${voteText(vote)}${namedText(vote, named)}`
    })
}

function headline(connection: ExplainedConnection): string {
  const { facts, protocol, outcome, listener, source, upstream, destination, state, durationMs } = connection
  const version = facts['sni'] ?? facts['version']
  const name = `${protocol ?? outcome ?? 'not looked at'}${version === undefined ? '' : ` (${String(version)})`}`
  const to = upstream ?? destination
  if (state === 'recorded') return ['recorded', listener, name].join('  ')
  const way = to === undefined ? source : `${source} > ${to}`
  return [`#${connection.connection}`, listener, way, name, `${state} ${formatMs(durationMs)}`].join('  ')
}

function stepLine({ atMs, step, verdict, note }: TraceStep, votes: readonly Vote[], isWithVotes: boolean): string {
  const time = `${atMs.toFixed(2)} ms`.padStart(TIME_WIDTH)
  const name = (INNER_STEPS.has(step) ? `  ${step}` : step).padEnd(STEP_WIDTH + 2)
  const hint = !isWithVotes && votes.some(({ side }) => side === step) ? '   (--votes lists them)' : ''
  return `${time}  ${name}  ${verdict.padEnd(VERDICT_WIDTH)}  ${note}${hint}`
}

function denialLines(denied: NonNullable<CloseSummary['denied']>, { detection, bytes }: ExplainedConnection): string[] {
  const { client, server } = detection?.bytes ?? bytes
  return [
    `denied by ${denied.filter}: ${denied.reason}`,
    `  ${denySentence(denied)}`,
    `  after ${counted(client, 'byte')} of the client and ${counted(server, 'byte')} of the server`,
  ]
}

/** At the vote that named the connection. */
function namedText({ protocol, side, verdict }: Vote, named: Named): string {
  if (protocol !== named.protocol || side !== named.decidedBy || verdict === 'no-match') return ''
  const isBare = verdict === 'sure' && Object.keys(named.facts).length === 0
  return `   > named ${protocol}${isBare ? ', without facts' : ''}`
}

function verdictWord({ verdict }: Vote): string {
  return verdict === 'match' ? 'yes' : verdict === 'no-match' ? 'no' : verdict
}

function voteText({ verdict, afterBytes, byte, reason, isCut }: Vote): string {
  switch (verdict) {
    case 'match':
      return `after ${counted(afterBytes, 'byte')}`
    case 'sure':
      return `after ${counted(afterBytes, 'byte')}; its facts need more`
    case 'need-more':
      return isCut
        ? `could still be after the ${afterBytes} bytes that are kept (traceBytes); more were looked at`
        : `could still be, after ${counted(afterBytes, 'byte')}`
    case 'no-match':
      return reason === undefined
        ? `byte ${afterBytes - 1} (0x${(byte ?? 0).toString(16).padStart(2, '0')}) rules it out`
        : `byte ${afterBytes - 1} (${reason})`
    case 'failed':
      return `the sniffer failed, and lost its vote: ${reason ?? ''}`
    case 'deaf':
      return 'does not listen to this side'
  }
}
