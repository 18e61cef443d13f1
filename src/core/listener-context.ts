import type { Needs, SilentDestination } from './filter.js'

/** Which way traffic goes, seen from the workload: the label that Linkerd's dashboards select on. */
export type Direction = 'inbound' | 'outbound'

/** What a filter may know of the listener whose chain it stands in. */
export interface ListenerContext {
  readonly name: string
  readonly direction: Direction
  /** The port it is bound to, 0 until then. */
  readonly port: number
  readonly hasDestination: boolean
  /** A client that says nothing is waited for this long, where there is a choice to make. */
  readonly firstByteTimeoutMs: number
  /** The most that the filters after this one need to know: what has to be withheld for them. */
  readonly neededLater: Needs
  /** Protocols that a later filter speaks itself, so that nobody can watch them. */
  readonly takenOverLater?: readonly string[]
  /** The earliest destination that a later filter names for a silent client. */
  readonly silentDestination?: SilentDestination
}
