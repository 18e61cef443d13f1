import { constants, type FSWatcher, watch } from 'node:fs'
import { open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { parse } from 'yaml'
import type { Clock, Timer } from '../core/clock.js'
import type { EndpointConfig, FileSourceConfig } from '../core/config/config.js'
import type { EndpointSource } from '../core/endpoint-source.js'
import { errorText } from '../core/error-text.js'
import type { Log } from '../core/log.js'
import { readEndpointList } from './endpoint-list.js'

export interface FileSourceEnvironment {
  readonly clock: Clock
  readonly log: Log
}

/** A thousand endpoints take 60 KB; this keeps a wrong path from being read into memory. */
export const MAX_FILE_BYTES = 1024 * 1024
/** Who writes a file makes several events of it, and in place it is half-written between them: one look when they are over. */
const SETTLE_MS = 50
/** In a folder where something moves all the time the file is looked at no later than this. */
const MAX_SETTLE_MS = 1_000
/** Looked at anyway now and then: `fs.watch` says nothing on network file systems, and its folder may come later, or be another. */
const POLL_MS = 10_000

/**
 * Endpoints from a file, YAML or JSON. Its folder is watched, so that a new file under its name is seen (an atomic rename), as is
 * the swap of a symbolic link in it (a mounted ConfigMap). A file that is not there, or wrong, keeps the last set.
 */
export class FileSource implements EndpointSource {
  readonly label: string
  problem: string | undefined = 'it has not been read yet'
  readonly #config: FileSourceConfig
  readonly #environment: FileSourceEnvironment
  #onChange: (endpoints: readonly EndpointConfig[]) => void = () => {}
  #watcher: FSWatcher | undefined
  #settling: Timer | undefined
  /** When the first of the events came that are not over yet. */
  #movingSince: number | undefined
  #polling: Timer | undefined
  #text: string | undefined
  #isStopped = false
  /** One look after the other: an older text never comes after a newer one. */
  #looking: Promise<void> = Promise.resolve()

  constructor(config: FileSourceConfig, environment: FileSourceEnvironment) {
    this.label = `file ${config.path}`
    this.#config = config
    this.#environment = environment
  }

  async start(onChange: (endpoints: readonly EndpointConfig[]) => void): Promise<void> {
    this.#onChange = onChange
    this.#watch()
    this.#poll()
    await this.#look()
  }

  stop(): void {
    this.#isStopped = true
    this.#watcher?.close()
    this.#settling?.cancel()
    this.#polling?.cancel()
  }

  #poll(): void {
    this.#polling = this.#environment.clock.setTimer(POLL_MS, () => {
      this.#poll()
      this.#watch()
      void this.#look()
    })
  }

  #watch(): void {
    this.#watcher?.close()
    try {
      // Whatever moves in the folder: with a ConfigMap it is a link beside the file that does.
      this.#watcher = watch(dirname(this.#config.path), { persistent: false }, () => this.#moved())
      this.#watcher.on('error', (error) => this.#unwatched(error))
    } catch (error) {
      this.#unwatched(error)
    }
  }

  #unwatched(error: unknown): void {
    this.#watcher?.close()
    this.#watcher = undefined
    const message = `the folder cannot be watched: the file is looked at every ${POLL_MS / 1000} s`
    this.#environment.log.debug({ source: this.label, err: error }, message)
  }

  #moved(): void {
    const { clock } = this.#environment
    this.#movingSince ??= clock.now()
    this.#settling?.cancel()
    const leftMs = this.#movingSince + MAX_SETTLE_MS - clock.now()
    this.#settling = clock.setTimer(Math.min(SETTLE_MS, leftMs), () => {
      this.#settling = this.#movingSince = undefined
      void this.#look()
    })
  }

  #look(): Promise<void> {
    this.#looking = this.#looking.then(() => this.#read())
    return this.#looking
  }

  async #read(): Promise<void> {
    try {
      const text = await readBounded(this.#config.path)
      if (this.#isStopped) return
      if (text === this.#text && this.problem === undefined) return
      const endpoints = this.#endpoints(text)
      this.problem = undefined
      this.#text = text
      this.#onChange(endpoints)
    } catch (error) {
      if (!this.#isStopped) this.#failed(error)
    }
  }

  #endpoints(text: string): EndpointConfig[] {
    const { weight, maxConnections } = this.#config
    // The `merge` and `alias` of a list of addresses have no use: without them nothing can multiply.
    const read = readEndpointList(parse(text, { maxAliasCount: 0, logLevel: 'error' }))
    return read.map((endpoint) => ({
      ...endpoint,
      weight: (weight ?? 1) * (endpoint.weight ?? 1),
      maxConnections: endpoint.maxConnections ?? maxConnections,
    }))
  }

  /** Once for each new reason, not at every look. */
  #failed(error: unknown): void {
    const problem = errorText(error)
    if (problem === this.problem) return
    this.problem = problem
    this.#environment.log.warn({ source: this.label, err: error }, 'endpoints could not be read, the last ones stay')
  }
}

async function readBounded(path: string): Promise<string> {
  // Without O_NONBLOCK, opening a named pipe would wait for its writer.
  const file = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  try {
    const stats = await file.stat()
    const { size } = stats
    if (!stats.isFile()) throw new Error('it is not a file')
    if (size > MAX_FILE_BYTES) throw new Error(`${size} bytes are more than the ${MAX_FILE_BYTES} that are read`)
    return await file.readFile('utf8')
  } finally {
    await file.close()
  }
}
