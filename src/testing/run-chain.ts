import type { Address } from '../core/address.js'
import type { CloseSummary } from '../core/close-summary.js'
import type { FilterDefinition } from '../core/filter.js'
import type { FilterInput } from '../core/filter-options.js'
import { CLOCK, TRANSPORT } from '../core/tokens.js'
import type { TraceStep } from '../core/trace.js'
import type { Bytes } from '../core/sniffer.js'
import { builtIns } from '../plugins/built-ins.js'
import type { Plugin, Provider } from '../plugins/plugin.js'
import { createSluice, type Sluice } from '../sluice.js'
import { FakeClock } from './fake-clock.js'
import { GIVEN_DETECTION, type GivenDetection, givenDetection } from './given-detection.js'
import { MemoryTransport } from './memory-transport.js'
import { Conversation } from './conversation.js'
import { CLIENT_ADDRESS, SERVER_ADDRESS } from './wire-pair.js'

/** One filter of the chain: its name, its name with options as in the YAML, or its definition. */
export type ChainFilter = string | Readonly<Record<string, unknown>> | FilterDefinition

export interface RunChainOptions {
  /** In their order. Where the last one is not terminal, `tcp-forward` follows it. */
  readonly filters: readonly ChainFilter[]
  /** Options of the filters that stand there as definitions, by name. */
  readonly options?: Readonly<Record<string, unknown>>
  /** Plugins whose filters, sniffers and providers are there beside the built-ins. */
  readonly plugins?: readonly Plugin[]
  /** Services in place of those of the plugins. */
  readonly providers?: readonly Provider[]
  /** What the client says: one chunk, or one after the other; an empty one lets the server speak first. Default: nothing. */
  readonly client?: Bytes | readonly Bytes[]
  /** What the server says, once it is connected; in turn with the client, who begins. Default: nothing. */
  readonly server?: Bytes | readonly Bytes[]
  /** Nobody listens at the destination. */
  readonly isRefused?: true
  /** Names the connection before the first filter, so that no `detect` and no bytes are needed. */
  readonly detection?: GivenDetection
  /** Time that passes when both have said all, before they end. Default: none, the clock stands still. */
  readonly waitMs?: number
  /** Where the client comes from. Default: 192.0.2.1:50000. */
  readonly source?: Address
  /** `host:port`, or `none` where the chain itself must choose. Default: 192.0.2.2:7000. */
  readonly destination?: string
}

/** What became of one connection. */
export interface ChainRun {
  /** The verdict of each filter that was asked, as in the trace: `continue`, `handled`, `deny: REASON`. */
  readonly verdicts: readonly { readonly filter: string; readonly verdict: string }[]
  readonly trace: readonly TraceStep[]
  readonly denied: { readonly filter: string; readonly reason: string } | undefined
  /** The bytes of each side that reached the other one; `client` is empty where the server was never connected. */
  readonly relayed: { readonly client: Uint8Array; readonly server: Uint8Array }
  /** How the connection ended for the client. `open`: it did not end, and was cut when both had ended and nothing more happened. */
  readonly ending: 'end' | 'reset' | 'open'
  /** Where Sluice connected to, in order. */
  readonly dialled: readonly string[]
  readonly summary: CloseSummary
  /** A metric's value, as `Sluice.metric` reads it. */
  metric(name: string, labels?: Readonly<Record<string, string>>): number
}

const LISTENER_NAME = 'test'

/**
 * Runs one connection through a chain: the chain, the connection and the filters are those that run in production, the wires live in
 * memory and the clock stands still. What a filter waits for must come without I/O: give it services that answer at once, or its
 * connection is still open when both sides have ended. Rejects with a ConfigError where the chain is no valid one.
 */
export async function runChain(options: RunChainOptions): Promise<ChainRun> {
  const conversation = new Conversation(segments(options.client), segments(options.server))
  const transport = new MemoryTransport(options.isRefused ? undefined : (to, wire) => conversation.connected(to, wire))
  const clock = new FakeClock()
  const sluice = makeSluice(options, transport, clock)
  await sluice.start()
  try {
    const closed = sluice.nextClose(LISTENER_NAME)
    conversation.begin(transport.accept(sluice.address(LISTENER_NAME), options.source ?? CLIENT_ADDRESS))
    await conversation.hold()
    if (options.waitMs !== undefined) await conversation.wait(clock, options.waitMs)
    await conversation.end()
    const ending = conversation.ending
    await sluice.stop()
    return chainRun(options, await closed, sluice, conversation, ending)
  } finally {
    await sluice.stop()
  }
}

function makeSluice(options: RunChainOptions, transport: MemoryTransport, clock: FakeClock): Sluice {
  const given = options.detection && givenDetection(options.detection)
  const definitions = [...(given ? [given] : []), ...options.filters.filter(isDefinition)]
  const own: Plugin[] = definitions.length === 0 ? [] : [{ name: 'run-chain', apiVersion: 1, filters: definitions }]
  const plugins = [...(options.plugins ?? []), ...own]
  const filters = options.filters.map((filter) =>
    isDefinition(filter) ? { [filter.name]: options.options?.[filter.name] ?? {} } : filter,
  )
  const last = filters.at(-1)
  if (!isTerminal(last === undefined ? '' : nameOf(last), [builtIns, ...plugins])) filters.push('tcp-forward')
  if (given) filters.unshift(GIVEN_DETECTION)
  const { destination = `${SERVER_ADDRESS.host}:${SERVER_ADDRESS.port}` } = options
  const listener = {
    name: LISTENER_NAME,
    address: '127.0.0.1:0',
    filters: filters as readonly FilterInput[], // of any plugin: start-up checks the names
    ...(destination !== 'none' && { destination }),
  }
  const providers: Provider[] = [
    { token: TRANSPORT, value: transport },
    { token: CLOCK, value: clock },
    ...(options.providers ?? []),
  ]
  return createSluice({ listeners: [listener] }, { plugins, providers })
}

function chainRun(
  { filters }: RunChainOptions,
  summary: CloseSummary,
  sluice: Sluice,
  conversation: Conversation,
  ending: ChainRun['ending'],
): ChainRun {
  const trace = sluice.closedTraces().at(-1)?.steps ?? []
  const names = new Set([...filters.map(nameOf), 'tcp-forward'])
  return {
    verdicts: trace
      .filter(({ step, verdict }) => names.has(step) && verdict !== '')
      .map(({ step, verdict }) => ({ filter: step, verdict })),
    trace,
    denied: summary.denied,
    relayed: conversation.relayed,
    ending,
    dialled: conversation.dialled,
    summary,
    metric: (name, labels) => sluice.metric(name, labels),
  }
}

function segments(bytes: Bytes | readonly Bytes[] = []): readonly Bytes[] {
  return typeof bytes === 'string' || bytes instanceof Uint8Array ? [bytes] : bytes
}

function isDefinition(filter: ChainFilter): filter is FilterDefinition {
  return typeof filter === 'object' && typeof filter['name'] === 'string' && 'options' in filter
}

function nameOf(filter: ChainFilter): string {
  if (typeof filter === 'string') return filter
  return isDefinition(filter) ? filter.name : (Object.keys(filter)[0] ?? '')
}

function isTerminal(name: string, plugins: readonly Plugin[]): boolean {
  return plugins.some((plugin) => plugin.filters?.some((filter) => filter.name === name && filter.terminal === true))
}
