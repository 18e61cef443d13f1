import { type Clock, CLOCK, defineEndpointSource, type EndpointSource, LOG, type Log, type Plugin } from 'sluice'
import type { SourcedEndpoint } from 'sluice'
import { z } from 'zod'

const options = z.strictObject({
  api: z.url().describe('The API server, or a proxy before it that adds the credentials.'),
  namespace: z.string().min(1).default('default').describe('Where the service is.'),
  service: z.string().min(1).describe('Its name.'),
  port: z.string().default('').describe('The name of its port; a port without a name where absent.'),
})
type Options = z.output<typeof options>

/** An EndpointSlice of discovery.k8s.io/v1, as far as it is looked at. */
interface Slice {
  readonly metadata: { readonly name: string; readonly resourceVersion: string }
  readonly endpoints: readonly {
    readonly addresses: readonly string[]
    readonly conditions?: { readonly ready?: boolean | null; readonly terminating?: boolean | null }
  }[]
  readonly ports?: readonly { readonly name?: string | null; readonly port?: number | null }[]
}
interface SliceList {
  readonly metadata: { readonly resourceVersion: string }
  readonly items: readonly Slice[]
}
type WatchEvent =
  | { readonly type: 'ADDED' | 'MODIFIED' | 'DELETED' | 'BOOKMARK'; readonly object: Slice }
  | { readonly type: 'ERROR'; readonly object: { readonly code: number; readonly message: string } }

/** A slice has 1,000 endpoints at most, of some 500 bytes each. */
const MAX_OBJECT_CHARS = 1024 * 1024
const MAX_LIST_CHARS = 16 * MAX_OBJECT_CHARS
const LIST_TIMEOUT_MS = 5_000
/** The API server ends a watch after five to ten minutes by itself; one that says nothing for longer is dead. */
const WATCH_TIMEOUT_MS = 660_000
const RETRY_MS = 1_000

/** What has been remembered of the past is too old to go on from there: HTTP's 410. */
class Gone extends Error {}

/** The endpoints of a Kubernetes service: listed once, then watched. */
class EndpointSlices implements EndpointSource {
  readonly label: string
  problem: string | undefined = 'it has not been listed yet'
  readonly #url: string
  readonly #port: string
  readonly #clock: Clock
  readonly #log: Log
  readonly #stopped = new AbortController()
  readonly #slices = new Map<string, readonly SourcedEndpoint[]>()
  #publish: (endpoints: readonly SourcedEndpoint[]) => void = () => {}
  /** From where a watch goes on; undefined: it has to begin with a list. */
  #version: string | undefined

  constructor({ api, namespace, service, port }: Options, clock: Clock, log: Log) {
    this.label = `endpointslices ${namespace}/${service}`
    const path = `/apis/discovery.k8s.io/v1/namespaces/${encodeURIComponent(namespace)}/endpointslices`
    this.#url = `${new URL(path, api).href}?labelSelector=kubernetes.io/service-name%3D${encodeURIComponent(service)}`
    this.#port = port
    this.#clock = clock
    this.#log = log
  }

  async start(onChange: (endpoints: readonly SourcedEndpoint[]) => void): Promise<void> {
    this.#publish = onChange
    const isListed = await this.#attempt(() => this.#list())
    void this.#follow(isListed)
  }

  stop(): void {
    this.#stopped.abort()
  }

  async #follow(isListed: boolean): Promise<void> {
    if (!isListed) await this.#pause()
    while (!this.#stopped.signal.aborted) {
      await this.#attempt(async () => await this.#watch(this.#version ?? (await this.#list())))
      await this.#pause()
    }
  }

  async #attempt(act: () => Promise<unknown>): Promise<boolean> {
    try {
      await act()
      return true
    } catch (error) {
      if (this.#stopped.signal.aborted) return false
      if (error instanceof Gone) this.#version = undefined
      else this.problem = (error as Error).message
      this.#log.warn({ source: this.label, err: error }, 'the watch was interrupted, the last endpoints stay')
      return false
    }
  }

  async #pause(): Promise<void> {
    const { signal } = this.#stopped
    if (signal.aborted) return
    await new Promise<void>((resolve) => {
      const timer = this.#clock.setTimer(RETRY_MS, resolve)
      signal.onabort = () => resolve(timer.cancel())
    })
  }

  async #list(): Promise<string> {
    let text = ''
    for await (const chunk of this.#chunks('', LIST_TIMEOUT_MS)) {
      text += chunk
      if (text.length > MAX_LIST_CHARS) throw new Error(`the list is longer than ${MAX_LIST_CHARS} characters`)
    }
    const { metadata, items } = JSON.parse(text) as SliceList
    this.#slices.clear()
    for (const slice of items) this.#slices.set(slice.metadata.name, this.#endpointsOf(slice))
    this.#changed()
    return (this.#version = metadata.resourceVersion)
  }

  async #watch(version: string): Promise<void> {
    let held = ''
    const query = `&watch=1&allowWatchBookmarks=true&resourceVersion=${encodeURIComponent(version)}`
    for await (const chunk of this.#chunks(query, WATCH_TIMEOUT_MS)) {
      const lines = (held + chunk).split('\n')
      held = lines.pop()!
      if (held.length > MAX_OBJECT_CHARS) throw new Error(`an event is longer than ${MAX_OBJECT_CHARS} characters`)
      for (const line of lines) this.#take(JSON.parse(line) as WatchEvent)
    }
  }

  #take(event: WatchEvent): void {
    if (event.type === 'ERROR') throw event.object.code === 410 ? new Gone() : new Error(event.object.message)
    const { name, resourceVersion } = event.object.metadata
    this.#version = resourceVersion
    if (event.type === 'BOOKMARK') return
    if (event.type === 'DELETED') this.#slices.delete(name)
    else this.#slices.set(name, this.#endpointsOf(event.object))
    this.#changed()
  }

  async *#chunks(query: string, timeoutMs: number): AsyncGenerator<string> {
    const signal = AbortSignal.any([this.#stopped.signal, AbortSignal.timeout(timeoutMs)])
    const response = await fetch(this.#url + query, { signal })
    if (response.status === 410) throw new Gone()
    if (!response.ok) throw new Error(`the API server answered ${response.status}`)
    this.problem = undefined
    for await (const chunk of response.body!.pipeThrough(new TextDecoderStream())) yield chunk
  }

  /** Ready ones: who terminates is not, and what is in flight there goes on. A condition that is not told counts as well. */
  #endpointsOf({ endpoints, ports }: Slice): SourcedEndpoint[] {
    const port = ports?.find(({ name }) => (name ?? '') === this.#port)?.port
    if (port === undefined || port === null) return []
    const isReady = ({ conditions }: Slice['endpoints'][number]) =>
      conditions?.ready !== false && !conditions?.terminating
    return endpoints.filter(isReady).flatMap(({ addresses }) => addresses.slice(0, 1).map((host) => ({ host, port })))
  }

  /** While endpoints move from one slice to another they stand in both. */
  #changed(): void {
    const once = new Map([...this.#slices.values()].flat().map((each) => [`${each.host} ${each.port}`, each]))
    this.#publish([...once.values()])
  }
}

const endpointSlices = defineEndpointSource({
  name: 'endpoint-slices',
  options,
  inject: { clock: CLOCK, log: LOG },
  create: ({ options, clock, log }) => new EndpointSlices(options, clock, log),
})

export default { name: 'endpoint-slices', apiVersion: 1, endpointSources: [endpointSlices] } satisfies Plugin
