import { fileURLToPath } from 'node:url'

import { startNginx } from './nginx.mjs'
import { findFreePort, untilListening } from './ports.mjs'

/** What the HTTP origin says to `GET /`. */
export const HTTP_ANSWER = 'hello, world\n'

/** One measurement of one target: its processes, all fresh, on ports of their own. */
export class Stand {
  /** The proxy's process; undefined while there is none, and for the column without a proxy. */
  proxy = undefined
  /** Where the load goes: the proxy's port, or the origin's without a proxy. */
  port = undefined
  /** Where Sluice tells what it counted; undefined for all others. */
  adminPort = undefined

  /** `directory` is for configurations; it is removed after the round. */
  constructor({ target, options, group, directory }) {
    this.target = target
    this.options = options
    this.group = group
    this.directory = directory
  }

  /** Starts nginx with a small answer at /. nginx, since it is cheaper than a Node server. */
  async startHttpOrigin() {
    const [port] = await this.startHttpOrigins(1)
    return port
  }

  /** The same on so many ports: endpoints of one destination. One nginx, since the load's core is all there is for them. */
  async startHttpOrigins(count) {
    const ports = await Promise.all(Array.from({ length: count }, findFreePort))
    const http = `default_type text/plain;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  server {
    ${ports.map((port) => `listen 127.0.0.1:${port} backlog=4096;`).join('\n    ')}
    location = / { return 200 ${JSON.stringify(HTTP_ANSWER)}; }
  }`
    const { group, directory, options } = this
    startNginx(group, { directory, name: 'origin', cores: options.loadCores, connections: 4096, http })
    for (const port of ports) await untilListening(port, group)
    return ports
  }

  /** Starts nghttpd, HTTP/2 without TLS, with the files of the round's folder. */
  async startHttp2Origin(serverOptions) {
    const port = await findFreePort()
    const { group, directory, options } = this
    const command = ['nghttpd', '--no-tls', '-d', directory, '-a', '127.0.0.1', ...serverOptions, String(port)]
    group.start(command, { cores: options.loadCores })
    await untilListening(port, group)
    return port
  }

  /** Responses that the proxy says it has carried; undefined where it does not say. */
  async countedResponses() {
    if (this.adminPort === undefined) return undefined
    const metrics = await (await fetch(`http://127.0.0.1:${this.adminPort}/metrics`)).text()
    const values = metrics.match(/^response_total\{.*\} (\d+)$/gm) ?? []
    return values.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(' '))), 0)
  }

  /** Starts one of our own servers, given relative to this folder, and returns its process and port. */
  async startServer(file) {
    const port = await findFreePort()
    const server = this.#startScript(file, port)
    await untilListening(port, this.group)
    return { server, port }
  }

  /** Starts one of our own load tools against the proxy. */
  startLoad(file) {
    return this.#startScript(file, this.port)
  }

  /** Starts the target before the origin, or before several to choose from, and waits until it listens. */
  async startProxy(origin, ...others) {
    if (this.target.start === undefined) {
      this.port = origin
      return
    }
    const { group, directory, options } = this
    const port = await findFreePort()
    this.adminPort = this.target.hasAdmin ? await findFreePort() : undefined
    this.proxy = this.target.start({
      adminPort: this.adminPort,
      group,
      directory,
      options,
      cores: options.proxyCore,
      pairs: options.pairs,
      port,
      origin,
      origins: [origin, ...others],
    })
    await untilListening(port, group)
    this.port = port
  }

  #startScript(file, port) {
    const command = [process.execPath, fileURLToPath(new URL(file, import.meta.url)), String(port)]
    return this.group.start(command, { cores: this.options.loadCores, ipc: true })
  }
}
