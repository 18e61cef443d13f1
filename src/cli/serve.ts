import type { Logger } from 'pino'
import { collectDefaultMetrics } from 'prom-client'
import { formatAddress } from '../core/address.js'
import { formatFindings } from '../core/config/format-findings.js'
import { type ConnectionSnapshot, createSluice, type Sluice } from '../sluice.js'
import type { SluiceConfig } from '../sluice-config.js'
import { banner, listenerAddresses, readyLine } from './banner.js'
import { ConnectionOutput, ConnectionTally } from './connection-output.js'
import { formatFor, type OutputFormat, type OutputOptions } from './output-format.js'
import { packageVersion } from './package-version.js'
import { makeProcessLog } from './process-log.js'
import { counted } from './quantities.js'
import { showRequests } from './request-output.js'
import type { ServingIo, StopCause } from './serving-io.js'
import { StopCauses } from './stop-causes.js'

export interface ServeOptions extends OutputOptions {
  readonly io: ServingIo
  /** What the banner says it runs. */
  readonly title: string
  /** A line a connection also where standard output is no terminal and the configuration does not ask for it. */
  readonly alwaysShowsConnections?: boolean
  /** Called once it listens, after the banner. */
  readonly onReady?: (sluice: Sluice) => void
}

/** 128 and the number of the signal, as shells say it. */
const EXIT_BY_SIGNAL = { SIGINT: 130, SIGTERM: 143 } as const

/** Open connections that are named when a drain begins. */
const MAX_NAMED_CONNECTIONS = 5

/** The event loop's delay is sampled this often: a timer of 10 ms, prom-client's default, would wake an idle process 100 times a second. */
const EVENT_LOOP_SAMPLE_MS = 100

/**
 * Runs an instance until a signal ends it: starts it, says so, shows its connections, drains on the first signal and stops on the
 * second. Resolves with the exit code; rejects where it cannot be started.
 */
export async function serve(source: SluiceConfig | string, options: ServeOptions): Promise<number> {
  const { io } = options
  const format = formatFor(options.logFormat, io.isStderrTerminal)
  const log = makeProcessLog(io.stderr, format, options.logLevel ?? 'info')
  const sluice = createSluice(source, { log })
  collectDefaultMetrics({
    register: sluice.metricsRegistry.registry,
    eventLoopMonitoringPrecision: EVENT_LOOP_SAMPLE_MS,
  })
  io.reportBug = (err) => log.error({ err }, 'a bug ended sluice')
  const stops = new StopCauses(io)
  try {
    const tally = new ConnectionTally(sluice)
    showConnections(sluice, options)
    await sluice.start()
    showRequests(sluice, io.stdout)
    if (options.logLevel === undefined) log.level = sluice.config.log.level
    const speaker = { sluice, io, log, format }
    sayReady(speaker, options.title)
    options.onReady?.(sluice)
    const code = await stopWhenAsked(speaker, stops)
    sayStopped(speaker, tally)
    return code
  } finally {
    stops.dispose()
  }
}

/** What the lines about an instance as a whole need. */
interface Speaker {
  readonly sluice: Sluice
  readonly io: ServingIo
  readonly log: Logger
  readonly format: OutputFormat
}

/** What is shown depends on the configuration, which is read by the time of the first connection. */
function showConnections(sluice: Sluice, { io, logFormat, alwaysShowsConnections }: ServeOptions): void {
  let output: ConnectionOutput | undefined
  let isDecided = false
  const get = (): ConnectionOutput | undefined => {
    if (isDecided) return output
    isDecided = true
    if (!alwaysShowsConnections && !sluice.config.accessLog && !io.isStdoutTerminal) return undefined
    const names = sluice.config.listeners.map(({ name }) => name)
    return (output = new ConnectionOutput(io.stdout, formatFor(logFormat, io.isStdoutTerminal), names))
  }
  sluice.on('decided', (connection) => get()?.onDecided(connection))
  sluice.on('closed', (summary) => get()?.onClosed(summary))
}

/** Resolves with the exit code when the instance has stopped. */
async function stopWhenAsked(speaker: Speaker, stops: StopCauses): Promise<number> {
  const { sluice } = speaker
  const first = await stops.next()
  if (first === 'stdout-closed') {
    await sluice.stop()
    return 0
  }
  sayDraining(speaker, first)
  const drained = sluice.stop({ grace: sluice.config.drain.graceMs })
  const second = await Promise.race([drained, stops.nextSignal()])
  if (second === undefined) return 0
  await sluice.stop()
  return EXIT_BY_SIGNAL[second]
}

function sayReady({ sluice, io, log, format }: Speaker, title: string): void {
  const { warnings, config, adminAddress } = sluice
  if (!log.isLevelEnabled('info') || format === 'json') {
    for (const { message, path, line } of warnings) log.warn({ path, ...(line !== undefined && { line }) }, message)
  } else {
    io.stderr.write(formatFindings(warnings))
  }
  if (!log.isLevelEnabled('info')) return
  if (format === 'pretty') {
    io.stderr.write(`${banner(sluice, title)}${readyLine(config, performance.now())}\n`)
    return
  }
  for (const listener of config.listeners) {
    const { name } = listener
    const maxConnections = sluice.maxConnections(name)
    log.info({ listener: name, addresses: listenerAddresses(sluice, listener), maxConnections }, 'listening')
  }
  if (adminAddress) log.info({ address: formatAddress(adminAddress.host, adminAddress.port) }, 'admin listening')
  const { node } = process.versions
  const transport = sluice.transportName
  log.info({ version: packageVersion(), node, pid: process.pid, transport, runs: title }, 'ready')
}

function sayDraining({ sluice, io, log, format }: Speaker, cause: Exclude<StopCause, 'stdout-closed'>): void {
  const open = sluice.connections()
  const { delayMs, graceMs } = sluice.config.drain
  if (format === 'json') {
    log.info({ signal: cause, connections: open.length, delayMs, graceMs }, 'draining')
    return
  }
  if (!log.isLevelEnabled('info')) return
  const again = cause === 'SIGINT' ? 'Ctrl-C again' : 'A second signal'
  // The terminal has echoed ^C already.
  const gap = cause === 'SIGINT' && io.isStderrTerminal ? ' ' : ''
  if (open.length === 0) io.stderr.write(`${gap}draining: no connection open.\n`)
  else
    io.stderr.write(
      `${gap}draining: ${counted(open.length, 'connection')} open (${named(open)}). ${again} to stop now.\n`,
    )
}

function named(connections: readonly ConnectionSnapshot[]): string {
  const names = connections
    .slice(0, MAX_NAMED_CONNECTIONS)
    .map(({ listener, connection }) => `${listener} #${connection}`)
  return `${names.join(', ')}${connections.length > MAX_NAMED_CONNECTIONS ? ', …' : ''}`
}

function sayStopped({ io, log, format }: Speaker, { connections, denied, cut }: ConnectionTally): void {
  if (format === 'json') log.info({ connections, denied, cut }, 'stopped')
  else if (log.isLevelEnabled('info'))
    io.stderr.write(`stopped: ${counted(connections, 'connection')}, ${denied} denied, ${cut} cut.\n`)
}
