import { type Address, formatAddress } from '../core/address.js'
import type { Config, ListenerConfig } from '../core/config/config.js'
import type { Sluice } from '../sluice.js'
import { packageVersion } from './package-version.js'

const GAP = '  '
const ADMIN_PATHS = '/metrics /ready /live /connections /config'

/** The lines with which a started instance introduces itself: what it is, a line a listener, the admin endpoint. */
export function banner(sluice: Sluice, title: string): string {
  const { listeners } = sluice.config
  const rows = listeners.map((listener) => [
    listener.name,
    addressText(sluice, listener),
    wayText(listener),
    [chainText(listener), limitText(sluice, listener)].join(''),
  ])
  if (sluice.adminAddress) rows.push(['admin', `http://${addressOf(sluice.adminAddress)}`, ADMIN_PATHS])
  const header = [`sluice ${packageVersion()}`, `node ${process.versions.node}`, `pid ${process.pid}`, title]
  return [header.join(GAP), ...alignRows(rows)].map((line) => `${line}\n`).join('')
}

/** `ready in 0.2 s. Ctrl-C drains for up to 25 s, twice stops.` */
export function readyLine({ drain }: Config, sinceProcessStartMs: number): string {
  const drainMs = drain.delayMs + drain.graceMs
  const stops = drainMs === 0 ? 'Ctrl-C stops.' : `Ctrl-C drains for up to ${drainMs / 1000} s, twice stops.`
  return `ready in ${(sinceProcessStartMs / 1000).toFixed(1)} s. ${stops}\n`
}

/** Where a listener listens: the ports that were taken where the configuration says 0. */
export function listenerAddresses(sluice: Sluice, { name }: ListenerConfig): string[] {
  return sluice.addresses(name).map(addressOf)
}

/** Said only where it is not what the configuration says. */
function limitText(sluice: Sluice, { name, limits }: ListenerConfig): string {
  const held = sluice.maxConnections(name)
  return held < limits.maxConnections ? `  at most ${held} connections, a third of the descriptors` : ''
}

function addressText(sluice: Sluice, listener: ListenerConfig): string {
  return listenerAddresses(sluice, listener).join(' ')
}

/** Its routes by name, else where everything goes. */
function wayText({ filters, destination }: ListenerConfig): string {
  const routes = routeNames(filters.at(-1)?.options)
  if (routes.length > 0) return `${routes.length === 1 ? '1 route' : `${routes.length} routes`}: ${routes.join(' ')}`
  switch (destination?.kind) {
    case 'upstream':
      return destination.name
    case 'address':
      return addressOf(destination)
    case 'original':
      return 'original destination'
    case undefined:
      return 'no destination'
  }
}

/** A terminal filter that chooses between ways calls them `routes`, each with a name or at least a destination. */
function routeNames(options: unknown): string[] {
  const { routes } = (options ?? {}) as { routes?: unknown }
  if (!Array.isArray(routes)) return []
  return (routes as { name?: string; destination?: string }[]).map(
    ({ name, destination }) => name ?? destination ?? '?',
  )
}

function chainText({ isDefaultChain, filters }: ListenerConfig): string {
  return isDefaultChain ? 'default chain' : filters.map(({ definition }) => definition.name).join(' > ')
}

/** Columns are as wide as their widest cell; a row's last cell widens none. */
function alignRows(rows: readonly (readonly string[])[]): string[] {
  const widthOf = (column: number): number =>
    Math.max(0, ...rows.map((row) => (column < row.length - 1 ? row[column]!.length : 0)))
  return rows.map((row) => `  ${row.map((cell, column) => cell.padEnd(widthOf(column))).join(GAP)}`.trimEnd())
}

function addressOf({ host, port }: Address): string {
  return formatAddress(host, port)
}
