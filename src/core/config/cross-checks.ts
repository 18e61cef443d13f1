import { isIP } from 'node:net'
import type { CheckContext } from '../filter.js'
import type { HostPort, ListenAddress } from './config.js'
import { formatPath, isMap, type ConfigPath } from './config-path.js'
import { DESCRIPTOR_SHARE } from './defaults.js'
import { checkChain } from './filter-chain.js'
import type { Findings } from './findings.js'
import { suggest } from './nearest-name.js'
import { OwnAddresses, overlaps } from './own-addresses.js'
import type { Positions } from './positions.js'
import type { ReadConfig, ReadListener, ReadUpstream } from './read-config.js'
import type { Registry } from './registry.js'
import { formatDuration } from './scalar-text.js'

export interface CrossCheckContext {
  readonly registry: Registry
  readonly findings: Findings
  readonly positions: Positions
  /** Descriptors that the process may hold; undefined where it is not known. */
  readonly descriptorLimit: number | undefined
}

/** Checks the parts of a configuration against each other, as far as they could be read. */
export function crossCheck(config: ReadConfig, context: CrossCheckContext): void {
  const own = new OwnAddresses(ownAddresses(config).map(({ address }) => address))
  checkNames(config.listeners, context)
  checkOverlaps(config, context)
  for (const listener of config.listeners) {
    checkInterception(listener, context)
    checkDescriptors(listener, context)
    if (isWithoutDestination(listener, context.findings)) continue
    checkDestination(listener, own, context)
    checkChain(listener.chain, checkContext(listener, config, own, context.registry), context)
  }
  checkEndpoints(config.upstreams, own, context.findings)
  checkUpstreams(config, context.findings)
  checkUnused(config, context.findings)
}

/** What filters may look at when they check their options. */
function checkContext(
  listener: ReadListener,
  config: ReadConfig,
  own: OwnAddresses,
  { sniffers }: Registry,
): Omit<CheckContext, 'before' | 'optionsBefore'> {
  return {
    upstreams: config.upstreams.map(({ name }) => name),
    protocols: [...new Set(sniffers.map(({ protocol }) => protocol))],
    sniffers,
    // One that is wrong has been reported; a filter need not say that it is missing, too.
    listener: { name: listener.name ?? formatPath(listener.path), hasDestination: 'destination' in listener.raw },
    isOwnAddress: (host, port) => own.has(host, port),
    suggest,
  }
}

interface OwnAddress {
  readonly address: ListenAddress
  readonly path: ConfigPath
  readonly owner: string
}

function ownAddresses({ root, listeners }: ReadConfig): OwnAddress[] {
  const admin = root.admin && { address: root.admin.address, path: ['admin', 'address'], owner: 'the admin endpoint' }
  const ofListeners = listeners.flatMap(({ path, raw, name, addresses }) =>
    addresses.map((address, index) => ({
      address,
      path: Array.isArray(raw['address']) ? [...path, 'address', index] : [...path, 'address'],
      owner: `the listener "${name ?? formatPath(path)}"`,
    })),
  )
  return admin ? [admin, ...ofListeners] : ofListeners
}

function checkNames(listeners: readonly ReadListener[], { findings, positions }: CrossCheckContext): void {
  const first = new Map<string, ReadListener>()
  for (const listener of listeners) {
    if (listener.name === undefined || findings.isSpoilt([...listener.path, 'name'])) continue
    const earlier = first.get(listener.name)
    if (!earlier) first.set(listener.name, listener)
    else if ('name' in listener.raw || isFreePort(listener.addresses[0])) {
      const line = positions.ofValue(earlier.path)?.line
      const where = line === undefined ? `of ${formatPath(earlier.path)}` : `of the listener on line ${line}`
      const message = `"${listener.name}" is already the name ${where}`
      findings.add('SLUICE_CONFIG_DUPLICATE_NAME', [...listener.path, 'name'], message)
    }
  }
}

function isFreePort(address: ListenAddress | undefined): boolean {
  return address !== undefined && 'port' in address && address.port === 0
}

function checkOverlaps(config: ReadConfig, { findings }: CrossCheckContext): void {
  const addresses = ownAddresses(config)
  addresses.forEach(({ address, path }, index) => {
    const earlier = addresses.slice(0, index).find((other) => overlaps(other.address, address))
    if (!earlier) return
    findings.add('SLUICE_CONFIG_DUPLICATE_ADDRESS', path, `${earlier.owner} listens there already`)
  })
}

function checkDestination(listener: ReadListener, own: OwnAddresses, { findings }: CrossCheckContext): void {
  const { destination, path } = listener
  if (destination?.kind === 'address' && own.has(destination.host, destination.port)) {
    findings.add('SLUICE_CONFIG_OWN_ADDRESS', [...path, 'destination'], OWN_ADDRESS)
  }
}

/** The default chain has no routes. A destination that is there and wrong has been reported. */
function isWithoutDestination({ path, raw, isDefaultChain }: ReadListener, findings: Findings): boolean {
  if (!isDefaultChain || 'destination' in raw || findings.isSpoilt([...path, 'destination'])) return false
  const message = 'nothing to forward to: it needs a destination, or filters with routes that name one'
  findings.add('SLUICE_CONFIG_NO_DESTINATION', path, message)
  return true
}

const OWN_ADDRESS = 'this is one of our own addresses: connections would come back for ever'

function checkEndpoints(upstreams: readonly ReadUpstream[], own: OwnAddresses, findings: Findings): void {
  for (const { path, settings } of upstreams) {
    settings?.endpoints.forEach((endpoint, index) => {
      const at = [...path, 'endpoints', index]
      const isOwn = (address: HostPort | undefined): boolean =>
        address !== undefined && own.has(address.host, address.port)
      if ('host' in endpoint) {
        if (isOwn(endpoint)) findings.add('SLUICE_CONFIG_OWN_ADDRESS', at, OWN_ADDRESS)
        return
      }
      const { address, dns } = endpoint
      if (isOwn(address)) findings.add('SLUICE_CONFIG_OWN_ADDRESS', [...at, 'address'], OWN_ADDRESS)
      if (dns && isIP(dns.host) !== 0) {
        const message = `${dns.host} is an address and no name: write it as "address"`
        findings.add('SLUICE_CONFIG_INVALID_VALUE', [...at, 'dns'], message)
      }
    })
  }
}

/** Options of upstreams that contradict each other, or do nothing. */
function checkUpstreams({ root, upstreams }: ReadConfig, findings: Findings): void {
  const wrong = (path: ConfigPath, message: string) => findings.add('SLUICE_CONFIG_INVALID_VALUE', path, message)
  const idle = (path: ConfigPath, message: string) =>
    findings.add('SLUICE_CONFIG_NO_EFFECT', path, message, { at: 'key', severity: 'warning' })
  if (root.dns && root.dns.minTtl > root.dns.maxTtl) wrong(['dns', 'minTtl'], 'it is longer than maxTtl')
  root.dns?.servers?.forEach(({ host }, index) => {
    if (isIP(host) === 0) wrong(['dns', 'servers', index], `a DNS server is an IP address, got "${host}"`)
  })
  for (const { path, settings } of upstreams) {
    if (!settings) continue
    const { balance, hashOn, ejection, healthCheck, endpoints } = settings
    if (typeof hashOn === 'object' && balance !== 'consistent-hash')
      idle([...path, 'hashOn'], 'only "balance: consistent-hash" looks at it')
    if (ejection && ejection.baseTime > ejection.maxTime)
      wrong([...path, 'ejection', 'baseTime'], 'it is longer than maxTime')
    if (ejection && endpoints.length === 1 && isFixed(endpoints[0]!))
      idle([...path, 'ejection'], 'the only endpoint of a group is never set aside')
    if (healthCheck && healthCheck.timeout > healthCheck.interval)
      wrong(
        [...path, 'healthCheck', 'timeout'],
        `${formatDuration(healthCheck.timeout)} is longer than the interval, ${formatDuration(healthCheck.interval)}`,
      )
  }
}

function isFixed(endpoint: NonNullable<ReadUpstream['settings']>['endpoints'][number]): boolean {
  return 'host' in endpoint || endpoint.address !== undefined
}

/** Interception brings connections that were headed elsewhere; only `original` can tell where. */
function checkInterception(listener: ReadListener, { findings, registry }: CrossCheckContext): void {
  const { destination, path, settings, raw } = listener
  const isOriginal = destination?.kind === 'original'
  const isIntercepted = settings.intercept !== undefined
  if (isIntercepted && !isOriginal && (destination || !('destination' in raw))) {
    const message = 'an intercepted connection goes where it was headed: it needs "destination: original"'
    findings.add('SLUICE_CONFIG_INTERCEPT', [...path, 'intercept'], message)
  }
  if (isOriginal && !('intercept' in raw)) {
    const message =
      'only an intercepted connection has an original destination: it needs "intercept: redirect" or "intercept: tproxy"'
    findings.add('SLUICE_CONFIG_INTERCEPT', [...path, 'destination'], message)
  }
  for (const [option, { unavailable }] of neededOfKernel(listener, registry)) {
    if (unavailable === undefined) continue
    const verb = option === 'intercept' ? 'intercept' : "keep the client's address"
    findings.add('SLUICE_CONFIG_NO_INTERCEPTION', [...path, option], `cannot ${verb} here: ${unavailable}`)
  }
}

/** What each option needs of the kernel. A socket that is passed in has been made transparent by whoever passes it. */
function neededOfKernel(
  { settings, addresses }: ReadListener,
  { originalDestinations, transparentSockets }: Registry,
): [option: string, service: { readonly unavailable?: string | undefined }][] {
  const makesTransparent = settings.intercept === 'tproxy' && addresses.some((address) => 'host' in address)
  return [
    ...(settings.intercept === 'redirect' ? [['intercept', originalDestinations] as [string, object]] : []),
    ...(makesTransparent ? [['intercept', transparentSockets] as [string, object]] : []),
    ...(settings.preserveSource ? [['preserveSource', transparentSockets] as [string, object]] : []),
  ]
}

/** Of a number that somebody wrote: the default is cut down without a word. */
function checkDescriptors(
  { path, raw, settings }: ReadListener,
  { findings, descriptorLimit }: CrossCheckContext,
): void {
  const isWritten = isMap(raw['limits']) && 'maxConnections' in raw['limits']
  if (descriptorLimit === undefined || !settings.limits || !isWritten) return
  const most = Math.floor(descriptorLimit / DESCRIPTOR_SHARE)
  const { maxConnections } = settings.limits
  if (maxConnections <= most) return
  const message = `${maxConnections} is above a third of the ${descriptorLimit} descriptors that this process may hold: ${most} will be the limit`
  const at = [...path, 'limits', 'maxConnections']
  findings.add('SLUICE_CONFIG_DESCRIPTOR_LIMIT', at, message, { severity: 'warning' })
}

/** Filters are not asked what they use: an upstream whose name stands as a value anywhere in a chain counts as used. */
function checkUnused({ upstreams, listeners }: ReadConfig, findings: Findings): void {
  const used = new Set(listeners.flatMap(({ raw }) => [raw['destination'], ...texts(raw['filters'])]))
  for (const { name, path } of upstreams) {
    if (used.has(name)) continue
    const message = `no listener and no route uses "${name}"`
    findings.add('SLUICE_CONFIG_UNUSED_UPSTREAM', path, message, { at: 'key', severity: 'warning' })
  }
}

function texts(value: unknown): string[] {
  if (typeof value === 'string') return [value]
  if (Array.isArray(value)) return value.flatMap(texts)
  return isMap(value) ? Object.values(value).flatMap(texts) : []
}
