import { once } from 'node:events'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type Address, formatAddress } from '../core/address.js'
import type { AdminConfig } from '../core/config/config.js'
import { withoutControls } from '../core/error-text.js'
import { SluiceError } from '../core/errors.js'
import { refusalOf } from './admin-exposure.js'
import { type AdminSource, pageAt } from './admin-pages.js'
import { LineStreams, MAX_STREAMS } from './line-stream.js'
import { TAP_PATH } from './tap-path.js'
import { openTap, type TapSource } from './tap-stream.js'

/** A scraper and a few people with curl; more at once are dropped at accept. */
const MAX_CONNECTIONS = 100
/** For the whole head of a request. */
const HEADERS_TIMEOUT_MS = 5_000
/** For a request with its body, of which there is none to read. */
const REQUEST_TIMEOUT_MS = 10_000
/** Above a scrape interval of 15 s nothing is gained; below it, a kept connection costs nothing. */
const KEEP_ALIVE_TIMEOUT_MS = 20_000
/** A reader that takes nothing of an answer for this long is gone. */
const SOCKET_TIMEOUT_MS = 30_000
/** How often the first two are looked at. */
const CHECK_INTERVAL_MS = 1_000

const ALLOWED_METHODS = ['GET', 'HEAD'] as const

/**
 * The admin endpoint: `/metrics`, `/ready` and `/live` for anyone, everything else for peers on this machine only. It answers until
 * `close()`, also while the instance drains.
 */
export class AdminServer {
  readonly #server: Server
  readonly #source: AdminSource & TapSource
  readonly #allowedHosts: readonly string[]
  readonly #streams = new LineStreams()
  /** Where it listens: the port that was taken where the configuration says 0. */
  address: Address = { host: '', port: 0 }

  private constructor(config: AdminConfig, source: AdminSource & TapSource) {
    this.#source = source
    this.#allowedHosts = config.allowedHosts
    this.#server = createServer(
      {
        headersTimeout: HEADERS_TIMEOUT_MS,
        requestTimeout: REQUEST_TIMEOUT_MS,
        keepAliveTimeout: KEEP_ALIVE_TIMEOUT_MS,
        connectionsCheckingInterval: CHECK_INTERVAL_MS,
      },
      (request, response) => void this.#answer(request, response),
    )
    this.#server.maxConnections = MAX_CONNECTIONS
    this.#server.setTimeout(SOCKET_TIMEOUT_MS)
  }

  /** Binds the endpoint. Rejects with a SluiceError, and leaves nothing behind, where its address cannot be taken. */
  static async listen(config: AdminConfig, source: AdminSource & TapSource): Promise<AdminServer> {
    const admin = new AdminServer(config, source)
    const { host, port } = config.address
    try {
      await admin.#listen(host, port).catch(async (error: NodeJS.ErrnoException) => {
        // "All interfaces" on a machine without IPv6.
        if (host !== '::' || !['EAFNOSUPPORT', 'EADDRNOTAVAIL'].includes(error.code ?? '')) throw error
        await admin.#listen('0.0.0.0', port)
      })
      return admin
    } catch (error) {
      throw listenError(config, error as NodeJS.ErrnoException)
    }
  }

  /** Stops listening and ends kept connections, those under way too. Settles when nothing is left. */
  async close(): Promise<void> {
    if (!this.#server.listening) return
    const closed = once(this.#server, 'close')
    this.#server.close()
    this.#streams.end()
    this.#server.closeAllConnections()
    await closed
  }

  async #listen(host: string, port: number): Promise<void> {
    const listening = once(this.#server, 'listening')
    this.#server.listen({ host, port })
    await listening
    const bound = this.#server.address() as AddressInfo
    this.address = { host: bound.address, port: bound.port }
  }

  /** Never rejects: what goes wrong is answered. */
  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      await this.#route(request, response)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else respond(request, response, 500, `${error instanceof Error ? error.message : String(error)}\n`)
    }
  }

  #tap(request: IncomingMessage, response: ServerResponse): void {
    const tap = openTap(this.#source, queryOf(request.url ?? ''))
    if (typeof tap === 'string') return respond(request, response, 400, `${withoutControls(tap)}\n`)
    if (this.#streams.isFull)
      return respond(request, response, 503, `${MAX_STREAMS} taps are open, which is as many as may be\n`)
    this.#streams.open(request, response, tap)
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = pathOf(request.url ?? '')
    // Absolute form would name a host of its own beside the Host header: only proxies are asked like that.
    if (path === undefined) return respond(request, response, 400, 'ask for a path, as in GET /metrics\n')
    const isTap = path === TAP_PATH
    const page = pageAt(path)
    if (!page?.isPublic) {
      const refusal = refusalOf({ peer: request.socket.remoteAddress, host: request.headers.host }, this.#allowedHosts)
      if (refusal !== undefined) return respond(request, response, 403, `${refusal}\n`)
    }
    if (!page && !isTap) return respond(request, response, 404, `there is no ${path}: GET / lists what is there\n`)
    if (!ALLOWED_METHODS.some((method) => method === request.method)) {
      response.setHeader('allow', ALLOWED_METHODS.join(', '))
      return respond(request, response, 405, `only ${ALLOWED_METHODS.join(' and ')}\n`)
    }
    if (!page) return this.#tap(request, response)
    const { status, contentType, body } = await page.render(this.#source)
    respond(request, response, status, body, contentType)
  }
}

/** The query of a request target in origin form. */
function queryOf(target: string): URLSearchParams {
  const mark = target.indexOf('?')
  return new URLSearchParams(mark < 0 ? '' : target.slice(mark + 1))
}

/** The path of a request target in origin form (RFC 9112 section 3.2.1), without the query; undefined for other forms. */
function pathOf(target: string): string | undefined {
  return target.startsWith('/') ? target.split('?', 1)[0] : undefined
}

function respond(
  request: IncomingMessage,
  response: ServerResponse,
  status: number,
  body: string,
  contentType = 'text/plain; charset=utf-8',
): void {
  response.writeHead(status, {
    'content-type': contentType,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    // A body that nobody reads is not waited for.
    ...(hasBody(request) && { connection: 'close' }),
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** RFC 9112 section 6: one of these fields announces a body. */
function hasBody({ headers }: IncomingMessage): boolean {
  return headers['transfer-encoding'] !== undefined || (headers['content-length'] ?? '0') !== '0'
}

function listenError({ address: { host, port } }: AdminConfig, cause: NodeJS.ErrnoException): SluiceError {
  const address = formatAddress(host, port)
  if (cause.code === 'EADDRINUSE') {
    const message = `admin: ${address} is in use by another program; stop it or choose another port`
    return new SluiceError('SLUICE_ADDRESS_IN_USE', 'admin', message, { cause })
  }
  if (cause.code === 'EADDRNOTAVAIL' || cause.code === 'ENOTFOUND') {
    return new SluiceError('SLUICE_ADDRESS_NOT_AVAILABLE', 'admin', `admin: this machine has no address ${host}`, {
      cause,
    })
  }
  return new SluiceError('SLUICE_LISTEN_FAILED', 'admin', `admin: cannot listen on ${address}: ${cause.message}`, {
    cause,
  })
}
