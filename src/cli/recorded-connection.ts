import { type Address, formatAddress } from '../core/address.js'
import type { CloseSummary } from '../core/close-summary.js'
import type { Config, EndpointConfig, ListenerConfig, SourceConfig, UpstreamConfig } from '../core/config/config.js'
import type { Registry } from '../core/config/registry.js'
import { Container } from '../core/container.js'
import { stepsWithLooks, votesOnLooks } from '../core/explain-looks.js'
import { Instance } from '../core/instance.js'
import { silentLog } from '../core/log.js'
import { MetricsRegistry } from '../core/metrics.js'
import type { ProxiedConnection } from '../core/proxied-connection.js'
import type { Side } from '../core/side.js'
import type { Segment } from '../core/sniff-recording.js'
import {
  CLOCK,
  LOG,
  OBSERVERS,
  ORIGINAL_DESTINATIONS,
  SNIFFERS,
  TRANSPARENT_SOCKETS,
  TRANSPORT,
} from '../core/tokens.js'
import { noTransparentSockets } from '../core/transparent-sockets.js'
import type { TraceStep } from '../core/trace.js'
import type { Vote } from '../core/votes.js'
import { LOST } from '../filters/http-route/request-trace.js'
import { REQUEST_HUB, RequestHub } from '../http/request-hub.js'
import { FakeClock } from '../testing/fake-clock.js'
import { MemoryTransport } from '../testing/memory-transport.js'
import { CLIENT_ADDRESS } from '../testing/wire-pair.js'
import { RecordedPlayback } from './recorded-playback.js'
import { standIn } from './stand-in-filter.js'
import { untold } from './untold.js'

/** What a recording says of its connection beside the bytes, as far as it is known. */
export interface RecordedAddresses {
  /** Where the client came from. */
  readonly source?: Address | undefined
  /** Where it was headed, before it was redirected to a listener that intercepts. */
  readonly headedTo?: Address | undefined
}

/** A listener of a configuration, with what its filters and sniffers are. */
export interface RecordingListener {
  readonly config: Config
  readonly listener: ListenerConfig
  /** Built-ins and plugins. */
  readonly registry: Registry
  /** Whose filters are run; others are not asked. */
  readonly builtIns: Registry
}

/** What a listener would have done with a recorded conversation. */
export interface RecordedConnection {
  readonly listener: string
  /** `left`: a filter of a plugin took it over, which is not asked. */
  readonly conclusion: 'carried' | 'denied' | 'answered' | 'left' | 'failed'
  /** The filter that took it over. */
  readonly filter?: string
  /** An upstream's name, or `host:port`. */
  readonly destination?: string
  readonly route?: string
  readonly denied?: CloseSummary['denied']
  readonly summary: CloseSummary
  readonly trace: readonly TraceStep[]
  readonly votes: readonly Vote[]
  /** What the recording could not tell, where it may have mattered: whole sentences. */
  readonly untold: readonly string[]
}

/** Where nothing is said of an intercepted connection: no port has a name there. */
const UNKNOWN_DESTINATION: Address = { host: '192.0.2.2', port: 0 }
const MADE_UP = formatAddress(UNKNOWN_DESTINATION.host, UNKNOWN_DESTINATION.port)
/** Of each side beyond the window: what a filter may take out of it, the longest header of a PROXY protocol. */
const BEYOND_WINDOW_BYTES = 66_000
/** Steps about sockets that are none. */
const SOCKET_STEPS = new Set(['upstream'])

/**
 * Runs a recorded conversation through a listener as it would have come: listener, chain, detection and built-in filters are those
 * that run in production, the wires live in memory and the clock stands still, so that nothing is bound, resolved or dialled.
 * Filters of plugins are not run: they may ask services that are somebody's. Both ends end when all is said.
 */
export async function carryRecording(
  segments: readonly Segment[],
  { config, listener, registry, builtIns }: RecordingListener,
  { source, headedTo }: RecordedAddresses = {},
): Promise<RecordedConnection> {
  const clock = new FakeClock()
  let playback: RecordedPlayback | undefined
  const transport = new MemoryTransport((to, wire) => playback?.connected(to, wire))
  const stands = listener.filters.map((filter) => standIn(filter, builtIns))
  const container = makeContainer(registry, transport, clock, headedTo ?? UNKNOWN_DESTINATION)
  let summary: CloseSummary | undefined
  const only = {
    ...config,
    admin: undefined,
    closedTraces: 1,
    traceBytes: listener.limits.peekWindowBytes,
    upstreams: config.upstreams.map(withoutSources),
    // However the kernel would bring it: where it was headed is said.
    listeners: [
      {
        ...listener,
        intercept: listener.intercept && ('redirect' as const),
        filters: stands.map(({ filter }) => filter),
      },
    ],
  }
  const events = { onDecided: () => {}, onClosed: (closed: CloseSummary) => (summary = closed) }
  const instance = new Instance(only, container, new MetricsRegistry(), events, undefined)
  await instance.start()
  try {
    const client = transport.accept(instance.listeners[0]!.sockets[0]!, source ?? CLIENT_ADDRESS)
    const [connection] = instance.connections()
    // One that the listener refuses is over by then.
    const isDecided = (): boolean => connection === undefined || connection.isClosed || isTakenOver(connection)
    playback = new RecordedPlayback(clock, client, isDecided)
    await playback.play(firstBytes(segments, listener.limits.peekWindowBytes + BEYOND_WINDOW_BYTES))
    const chosen = connection?.destination?.label
    const route = connection?.route
    await playback.end()
    await instance.close()
    const { steps, lookedAt } = instance.closedTraces.list()[0]!
    const filter = handledBy(steps, listener)
    const isLeft = filter !== undefined && stands.some((stand) => stand.isPlugins && stand.name === filter)
    return {
      listener: listener.name,
      conclusion: conclusionOf(summary!, isLeft),
      ...(filter !== undefined && { filter }),
      ...destinationOf(chosen, headedTo),
      ...(route !== undefined && { route }),
      ...(summary!.denied && { denied: summary!.denied }),
      summary: summary!,
      trace: stepsWithLooks(steps, lookedAt).flatMap((step) => toldStep(step, headedTo)),
      votes: votesOnLooks(lookedAt),
      untold: untold({ listener, source, headedTo, playback, stands }),
    }
  } finally {
    await instance.close()
  }
}

/** Nobody is asked for endpoints, or whether they serve: one stands for each place where they would have been looked for. */
function withoutSources({ name, balance, hashOn, endpoints, sources = [] }: UpstreamConfig): UpstreamConfig {
  return { name, balance, hashOn, endpoints: [...endpoints, ...sources.map(standInEndpoint)] }
}

function standInEndpoint(source: SourceConfig): EndpointConfig {
  const { maxConnections } = source
  if (source.kind === 'file' || source.kind === 'plugin') return { ...UNKNOWN_DESTINATION, maxConnections }
  return { host: source.name, port: source.kind === 'dns' ? source.port : 0, maxConnections }
}

/** What a step says here: nothing of sockets, which are none, and nothing of an address that was made up. */
function toldStep(step: TraceStep, headedTo: Address | undefined): TraceStep[] {
  if (SOCKET_STEPS.has(step.step)) return []
  if (step.step === 'request') return [toldRequest(step)]
  if (headedTo !== undefined) return [step]
  const isPort = step.note === `${UNKNOWN_DESTINATION.port} is not listed`
  const note = isPort ? 'the port is not known' : step.note.replaceAll(MADE_UP, 'where it was headed')
  return [{ ...step, note }]
}

/** How often a server was asked and how long it took is known of sockets only; so is an answer that the recording does not have. */
function toldRequest(step: TraceStep): TraceStep {
  const { verdict, note } = step
  const isMadeUp = verdict === LOST || SOCKET_REFUSAL.test(note)
  const told = note
    .replace(SOCKET_REFUSAL, '')
    .replace(`, to ${MADE_UP}`, '')
    .replace(/, sent again (?:once|\d+ times)/, '')
    .replace(/, [\d.]+ ms$/, '')
  return { ...step, verdict: isMadeUp ? '' : verdict, note: told }
}

/** Why the proxy answers, where that is a server's doing. */
const SOCKET_REFUSAL = /, refused: (?:upstream-closed|upstream-reset|connect-failed|request-timeout)(?=,)/

function makeContainer(
  { sniffers }: Registry,
  transport: MemoryTransport,
  clock: FakeClock,
  headedTo: Address,
): Container {
  const container = new Container()
  container.bind({ token: CLOCK, value: clock })
  container.bind({ token: LOG, value: silentLog })
  container.bind({ token: TRANSPORT, value: transport })
  container.bind({ token: ORIGINAL_DESTINATIONS, value: { of: () => headedTo } })
  container.bind({ token: TRANSPARENT_SOCKETS, value: noTransparentSockets })
  container.bind({ token: REQUEST_HUB, value: new RequestHub() })
  container.bind({ token: SNIFFERS, value: sniffers })
  container.bind({ token: OBSERVERS, value: [] })
  return container
}

/** A filter has said that it is its own now: nothing that is said later changes where it goes. */
function isTakenOver({ trace }: ProxiedConnection): boolean {
  return trace.steps.some(({ verdict }) => verdict === 'handled')
}

function handledBy(steps: readonly TraceStep[], { filters }: ListenerConfig): string | undefined {
  const names = filters.map(({ definition }) => definition.name)
  return steps.find(({ step, verdict }) => verdict === 'handled' && names.includes(step))?.step
}

function conclusionOf({ reason, denied }: CloseSummary, isLeft: boolean): RecordedConnection['conclusion'] {
  if (denied) return 'denied'
  if (reason === 'error') return 'failed'
  if (isLeft) return 'left'
  return reason === 'answered' ? 'answered' : 'carried'
}

function destinationOf(chosen: string | undefined, headedTo: Address | undefined): { readonly destination?: string } {
  return chosen === undefined || (headedTo === undefined && chosen === MADE_UP) ? {} : { destination: chosen }
}

/** As many bytes of each side as anybody could look at: the rest of a long recording says nothing more. */
function firstBytes(segments: readonly Segment[], mostBytes: number): Segment[] {
  const left: Record<Side, number> = { client: mostBytes, server: mostBytes }
  return segments.flatMap(({ from, data }) => {
    const kept = data.subarray(0, left[from])
    left[from] -= kept.length
    return kept.length === 0 && data.length > 0 ? [] : [{ from, data: kept }]
  })
}
