import { writeFile } from 'node:fs/promises'
import {
  type Agent,
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request,
  type RequestListener,
} from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import type { Clock } from '../../src/core/clock.js'
import { CLOCK } from '../../src/core/tokens.js'
import type { Sluice } from '../../src/sluice.js'
import { startSluice } from './start-sluice.js'
import { temporaryFolder } from './temporary-folder.js'

/** A proxy that was started from a file, and what its listener `in` is reached at. */
export interface Proxy {
  readonly sluice: Sluice
  readonly port: number
  /** Where the file is. */
  readonly folder: string
}

export interface ProxyOptions {
  readonly clock?: Clock
  /** Files beside that of the configuration, by their names. */
  readonly files?: Readonly<Record<string, string>>
}

/** Starts a proxy from this configuration, which is written to a file; stopped with the test. */
export async function startYaml(yaml: string, { clock, files = {} }: ProxyOptions = {}): Promise<Proxy> {
  const folder = await temporaryFolder('options')
  onTestFinished(() => folder.remove())
  for (const [name, text] of Object.entries({ ...files, 'sluice.yaml': yaml }))
    await writeFile(join(folder.path, name), text)
  const overrides = clock && { providers: [{ token: CLOCK, value: clock }] }
  const sluice = await startSluice(join(folder.path, 'sluice.yaml'), overrides)
  return { sluice, port: sluice.address('in').port, folder: folder.path }
}

/** A listener whose requests are routed; `httpRoute` are the options of the filter, and `above` stands before the listeners, in YAML. */
export function routedYaml(destination: string | number, httpRoute = '', above = ''): string {
  return `${above}
listeners:
  - name: in
    address: 127.0.0.1:0
    destination: ${typeof destination === 'number' ? `127.0.0.1:${destination}` : destination}
    filters:
      - detect: { earlyDial: false }
      - http-metrics
      - http-route: {${httpRoute.replace(/\s*\n\s*/g, ' ')}}
      - tcp-forward
`
}

/** A proxy that routes requests to this port of the machine. */
export function routeTo(port: number, httpRoute: string, options?: ProxyOptions): Promise<Proxy> {
  return startYaml(routedYaml(port, httpRoute), options)
}

/** What a server was asked. */
export interface Asked {
  readonly method: string
  readonly target: string
  /** By their names in lower case, several values of one joined as node:http does. */
  readonly headers: IncomingHttpHeaders
}

export interface WebServer {
  readonly host: string
  readonly port: number
  /** What stands for it in a configuration. */
  readonly address: string
  readonly asked: readonly Asked[]
  /** Connections that were opened so far, and the most that were open at once. */
  readonly connections: { readonly all: number; readonly most: number }
}

interface WebServerOptions {
  readonly host?: string
  /** Another server's, on another address. */
  readonly port?: number
}

/** A server of node:http that writes down what it is asked; closed with the test. Without `answer` it says its name. */
export async function serveWeb(
  name: string,
  answer: RequestListener = (_request, response) => void response.setHeader('server', name).end(name),
  { host = '127.0.0.1', port = 0 }: WebServerOptions = {},
): Promise<WebServer> {
  const asked: Asked[] = []
  const connections = { all: 0, most: 0, open: 0 }
  const server = createServer((request, response) => {
    asked.push({ method: request.method!, target: request.url!, headers: request.headers })
    answer(request, response)
  })
  // It never ends a connection by itself: that is for the proxy to do.
  server.keepAliveTimeout = 0
  server.on('connection', (socket) => {
    connections.all++
    connections.most = Math.max(connections.most, ++connections.open)
    socket.on('close', () => connections.open--)
  })
  server.listen(port, host)
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port: own } = server.address() as AddressInfo
  return { host, port: own, address: `${host}:${own}`, asked, connections }
}

export interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface AskOptions {
  readonly method?: string
  readonly headers?: Readonly<Record<string, string | string[]>>
  readonly body?: string
  /** The client's own address. */
  readonly localAddress?: string
  /** Connections that are used again. Without it, one of its own. */
  readonly agent?: Agent
}

/** A request of node:http, and its answer when it is complete. */
export async function ask(
  { port }: Pick<Proxy, 'port'>,
  target = '/',
  { body, agent, ...rest }: AskOptions = {},
): Promise<Answer> {
  const asking = request({ port, host: '127.0.0.1', path: target, agent: agent ?? false, ...rest })
  asking.end(body)
  const [response] = (await once(asking, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return { status: response.statusCode!, headers: response.headers, body: text }
}

/** Bodies of so many answers, one request after the other. */
export async function askTimes(proxy: Pick<Proxy, 'port'>, count: number, options?: AskOptions): Promise<string[]> {
  const bodies: string[] = []
  for (let i = 0; i < count; i++) bodies.push((await ask(proxy, '/', options)).body)
  return bodies
}

/** How often each stands in a list. */
export function tally(list: readonly (string | number)[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const one of list) counts[one] = (counts[one] ?? 0) + 1
  return counts
}
