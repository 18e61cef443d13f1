import { stringify } from 'yaml'
import type { ClosedTrace } from '../core/closed-traces.js'
import { effectiveConfig } from '../core/config/effective-config.js'
import { type Registry, registryOf } from '../core/config/registry.js'
import { stepsWithLooks, votesOnLooks } from '../core/explain-looks.js'
import type { Sluice } from '../sluice.js'
import { roundFractions } from './round-fractions.js'
import { TAP_PATH } from './tap-path.js'

/** What the admin endpoint reads of an instance. */
export type AdminSource = Pick<
  Sluice,
  | 'isReady'
  | 'config'
  | 'writtenConfig'
  | 'connections'
  | 'closedTraces'
  | 'liveTrace'
  | 'learnedDestinations'
  | 'renderMetrics'
>

export interface Page {
  readonly status: 200 | 404 | 503
  readonly contentType: string
  readonly body: string
}

/** One path of the admin endpoint. */
export interface PageDefinition {
  /** Answered to anyone; everything else only to peers on this machine. */
  readonly isPublic: boolean
  readonly about: string
  render(source: AdminSource): Page | Promise<Page>
}

const TEXT = 'text/plain; charset=utf-8'
const JSON_TYPE = 'application/json; charset=utf-8'
/** RFC 9512. */
const YAML_TYPE = 'application/yaml; charset=utf-8'
/** What Prometheus asks for by default, and what prom-client writes. */
const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const PAGES: ReadonlyMap<string, PageDefinition> = new Map([
  ['/', { isPublic: false, about: 'this list', render: () => text(200, index()) }],
  ['/metrics', { isPublic: true, about: 'metrics in the text format of Prometheus', render: metrics }],
  ['/ready', { isPublic: true, about: '200 while connections are wanted, else 503', render: ready }],
  ['/live', { isPublic: true, about: '200 while the process answers', render: () => text(200, 'live\n') }],
  ['/connections', { isPublic: false, about: 'open connections', render: connections }],
  [
    '/connections/closed',
    { isPublic: false, about: 'the last closed connections, with their decision traces', render: closed },
  ],
  [
    '/destinations',
    { isPublic: false, about: 'what destinations turned out to be, for `sluice learn`', render: destinations },
  ],
  [
    '/config',
    { isPublic: false, about: 'the configuration in force, defaults filled in, secrets as ***', render: config },
  ],
])

const ABOUT_TAP = 'HTTP requests as they end, a JSON line each, for `sluice tap`'

const ABOUT_ONE = 'one connection, open or closed, with its decision trace'

/** `/connections/17`; numbers are counted from 1, and no instance gets to 16 digits. */
const ONE_CONNECTION = /^\/connections\/([1-9]\d{0,14})$/

/** What is at a path; undefined where there is nothing. */
export function pageAt(path: string): PageDefinition | undefined {
  const id = ONE_CONNECTION.exec(path)?.[1]
  if (id === undefined) return PAGES.get(path)
  return { isPublic: false, about: ABOUT_ONE, render: (source) => oneConnection(source, Number(id)) }
}

function index(): string {
  const entries = [...PAGES].map(([path, { about }]): [string, string] => [path, about])
  const lines = [...entries, ['/connections/ID', ABOUT_ONE] as const, [TAP_PATH, ABOUT_TAP] as const].map(
    ([path, about]) => `${path.padEnd(21)}${about}\n`,
  )
  return `sluice\n\n${lines.join('')}`
}

async function metrics(source: AdminSource): Promise<Page> {
  return { status: 200, contentType: METRICS_TYPE, body: await source.renderMetrics() }
}

function ready(source: AdminSource): Page {
  return source.isReady ? text(200, 'ready\n') : text(503, 'not ready\n')
}

function connections(source: AdminSource): Page {
  return json(200, { connections: source.connections() })
}

function closed(source: AdminSource): Page {
  return json(200, { connections: source.closedTraces().map(closedWithTrace) })
}

function destinations(source: AdminSource): Page {
  return json(200, { destinations: source.learnedDestinations() })
}

function oneConnection(source: AdminSource, id: number): Page {
  const live = source.liveTrace(id)
  if (live) return json(200, { state: 'open', ...live.summary, ...explained(live) })
  const ended = source.closedTraces().find(({ summary }) => summary.connection === id)
  if (ended) return json(200, { state: 'closed', ...ended.summary, ...explained(ended) })
  return json(404, { error: `connection ${id} is not open, and not among the last closed ones` })
}

/** As written down: asking all sniffers again about up to 10,000 connections would hold up those that are open. */
function closedWithTrace({ summary, steps }: ClosedTrace): object {
  return { ...summary, trace: steps }
}

/** Votes tell what sniffers made of the first bytes, never the bytes, but for one that ruled a protocol out. */
function explained({ steps, lookedAt }: Pick<ClosedTrace, 'steps' | 'lookedAt'>): object {
  return { trace: stepsWithLooks(steps, lookedAt), ...(lookedAt && { votes: votesOnLooks(lookedAt) }) }
}

function config(source: AdminSource): Page {
  const effective = effectiveConfig(source.writtenConfig, filtersInUse(source))
  return { status: 200, contentType: YAML_TYPE, body: stringify(effective, { lineWidth: 0 }) }
}

/** Every filter that the configuration names has its definition there, a plugin's too. */
function filtersInUse(source: AdminSource): Registry {
  return registryOf([
    { filters: source.config.listeners.flatMap(({ filters }) => filters.map(({ definition }) => definition)) },
  ])
}

function text(status: Page['status'], body: string): Page {
  return { status, contentType: TEXT, body }
}

function json(status: Page['status'], value: unknown): Page {
  return { status, contentType: JSON_TYPE, body: `${JSON.stringify(value, roundFractions)}\n` }
}
