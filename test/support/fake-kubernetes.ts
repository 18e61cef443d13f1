import { createServer, type ServerResponse } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { onTestFinished } from 'vitest'

interface Change {
  readonly version: number
  readonly line: string
}

/** The API server of a cluster, as far as the EndpointSlices of one service are concerned: lists, and watches from a version on. */
export class FakeKubernetes {
  readonly url: string
  /** `list` and `watch VERSION`, as they came. */
  readonly asked: string[] = []
  /** Answers everything with this status, where it is set. */
  failsWith: number | undefined
  readonly #slices = new Map<string, object>()
  readonly #changes: Change[] = []
  readonly #watches = new Set<ServerResponse>()
  #version = 100
  /** What happened up to here is not known any more. */
  #compactedTo = 0

  constructor(url: string) {
    this.url = url
  }

  /** A slice is there, with ready endpoints at these ports of this machine; `more` is merged into each. */
  put(name: string, ports: readonly number[], more: object = {}): void {
    const type = this.#slices.has(name) ? 'MODIFIED' : 'ADDED'
    // One port for all endpoints of a slice; this machine has the whole of 127.0.0.0/8.
    const [port] = ports
    const endpoints = ports.map((_, index) => ({
      addresses: [`127.0.0.${index + 1}`],
      conditions: { ready: true, serving: true, terminating: false },
      ...more,
    }))
    this.#change(type, name, { endpoints, addressType: 'IPv4', ports: [{ name: 'http', port, protocol: 'TCP' }] })
  }

  remove(name: string): void {
    this.#change('DELETED', name, this.#slices.get(name)!)
  }

  /** Ends every watch, as an API server does now and then. */
  disconnect(): void {
    for (const response of this.#watches) response.end()
    this.#watches.clear()
  }

  /** Forgets what happened: who asks for it, is told that it is gone. */
  compact(): void {
    this.#compactedTo = this.#version
  }

  get watchCount(): number {
    return this.#watches.size
  }

  answer(url: URL, response: ServerResponse): void {
    const version = url.searchParams.get('resourceVersion') ?? ''
    const isWatch = url.searchParams.get('watch') === '1'
    this.asked.push(isWatch ? `watch ${version}` : 'list')
    if (this.failsWith !== undefined) return void response.writeHead(this.failsWith).end()
    if (!isWatch) {
      const list = { metadata: { resourceVersion: String(this.#version) }, items: [...this.#slices.values()] }
      return void response.end(JSON.stringify(list))
    }
    response.writeHead(200, { 'content-type': 'application/json' }).flushHeaders()
    if (Number(version) < this.#compactedTo) {
      const status = { code: 410, reason: 'Expired', message: `too old resource version: ${version}` }
      return void response.end(`${JSON.stringify({ type: 'ERROR', object: status })}\n`)
    }
    this.#watches.add(response)
    response.on('close', () => this.#watches.delete(response))
    for (const { line } of this.#changes.filter((change) => change.version > Number(version))) response.write(line)
  }

  #change(type: 'ADDED' | 'MODIFIED' | 'DELETED', name: string, slice: object): void {
    const version = ++this.#version
    const object = { ...slice, metadata: { name, resourceVersion: String(version) } }
    if (type === 'DELETED') this.#slices.delete(name)
    else this.#slices.set(name, object)
    const line = `${JSON.stringify({ type, object })}\n`
    this.#changes.push({ version, line })
    // In two pieces: who reads has to put the event together.
    for (const response of this.#watches) {
      response.write(line.slice(0, 40))
      setImmediate(() => response.write(line.slice(40)))
    }
  }
}

/** Is closed with the test. */
export async function serveKubernetes(): Promise<FakeKubernetes> {
  const server = createServer((request, response) => {
    const url = new URL(request.url!, 'http://kubernetes')
    const isOurs =
      url.pathname === '/apis/discovery.k8s.io/v1/namespaces/shops/endpointslices' &&
      url.searchParams.get('labelSelector') === 'kubernetes.io/service-name=shop'
    if (isOurs) kubernetes.answer(url, response)
    else response.writeHead(404).end()
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const kubernetes = new FakeKubernetes(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return kubernetes
}
