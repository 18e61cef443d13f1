import type { FlowBeginning, TcpFlow } from '../captures/tcp-flow.js'
import type { Gap } from '../captures/side-stream.js'
import { formatAddress } from '../core/address.js'
import type { DetectionResult } from '../core/detection-result.js'
import type { Side } from '../core/side.js'
import type { Vote } from '../core/votes.js'
import { formatIpBytes } from '../protocols/ip-address.js'

/** Where a side breaks off: what comes after it is not looked at. */
export interface FlowGap extends Gap {
  readonly side: Side
  /** Bytes of the side before it. */
  readonly after: number
}

/** What a flow of a capture turned out to be. */
export interface FlowReport extends DetectionResult {
  /** Counted from 1, in the order of first packets. */
  readonly flow: number
  readonly client: string
  readonly server: string
  readonly beginning: FlowBeginning
  /** Where it has no name. */
  readonly why?: string
  readonly gaps: readonly FlowGap[]
  /** What the listener's `port-override` says of the server's port, if anything. It names nothing here. */
  readonly portOverride?: string
  /** Flows were kept in such number that this one was not looked at to its end. */
  readonly isLetGo?: true
  readonly votes?: readonly Vote[]
}

export function endsOf({ client, server }: TcpFlow): { readonly client: string; readonly server: string } {
  return {
    client: formatAddress(formatIpBytes(client.address), client.port),
    server: formatAddress(formatIpBytes(server.address), server.port),
  }
}

/** `need-more: none; every sniffer said no by byte 3`. Byte numbers count from 0, as those of the votes. */
export function whyUnnamed(votes: readonly Vote[]): string {
  if (votes.length === 0) return 'nothing was said'
  const waiting = [...new Set(protocolsWith(votes, 'need-more'))]
  const rejections = votes.filter(({ verdict }) => verdict === 'no-match').map(({ afterBytes }) => afterBytes)
  const who = waiting.length === 0 ? 'every sniffer' : 'the others'
  const no = rejections.length === 0 ? 'no sniffer said no' : `${who} said no by byte ${Math.max(...rejections) - 1}`
  return `need-more: ${waiting.length === 0 ? 'none' : waiting.join(', ')}; ${no}`
}

function protocolsWith(votes: readonly Vote[], verdict: Vote['verdict']): string[] {
  return votes.filter((vote) => vote.verdict === verdict).map(({ protocol }) => protocol)
}
