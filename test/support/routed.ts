import { createServer, type RequestListener, type Server } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { expect, onTestFinished } from 'vitest'
import type { Sluice, SluiceOverrides } from '../../src/sluice.js'
import type { SluiceConfig } from '../../src/sluice-config.js'
import { CLOCK, TRANSPORT } from '../../src/core/tokens.js'
import type { Transport } from '../../src/core/transport.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { connectTo, type Peer } from './sockets.js'
import { startSluice } from './start-sluice.js'
import { until } from './until.js'

export interface Routed {
  readonly sluice: Sluice
  readonly port: number
  readonly clock: FakeClock
  /** A client that writes bytes. */
  client(listener?: string): Promise<Peer>
  /** Connections that the proxy has open to servers. */
  readonly upstreams: number
  /** No client, no request and no connection to a server is left. Stops the proxy. */
  expectNothingLeft(): Promise<void>
}

export interface RoutedOptions {
  readonly options?: Record<string, unknown>
  readonly listener?: Record<string, unknown>
  readonly upstreams?: Record<string, unknown>
  /** Further listeners. */
  readonly more?: readonly Record<string, unknown>[]
  readonly clock?: FakeClock
  readonly transport?: Transport
  readonly providers?: SluiceOverrides['providers']
  readonly plugins?: SluiceOverrides['plugins']
}

/** A proxy whose chain routes requests, in front of `destination`; time stands still in it until the test moves it. */
export async function startRouted(destination: number | string, options: RoutedOptions = {}): Promise<Routed> {
  const clock = options.clock ?? new FakeClock()
  const config = {
    ...(options.upstreams && { upstreams: options.upstreams }),
    listeners: [
      {
        name: 'in',
        address: '127.0.0.1:0',
        destination: typeof destination === 'number' ? `127.0.0.1:${destination}` : destination,
        filters: ['detect', 'http-metrics', { 'http-route': options.options ?? {} }, 'tcp-forward'],
        ...options.listener,
      },
      ...(options.more ?? []),
    ],
  }
  const transport = options.transport === undefined ? [] : [{ token: TRANSPORT, value: options.transport }]
  const sluice = await startSluice(config as unknown as SluiceConfig, {
    ...(options.plugins && { plugins: options.plugins }),
    providers: [{ token: CLOCK, value: clock }, ...transport, ...(options.providers ?? [])],
  })
  const { port } = sluice.address('in')
  return {
    sluice,
    port,
    clock,
    client: (listener = 'in') => connectTo(sluice.address(listener).port),
    get upstreams() {
      return sluice.metric('tcp_open_connections', { peer: 'dst' })
    },
    async expectNothingLeft() {
      await until(() => sluice.connections().length === 0)
      expect(sluice.metric('sluice_http_requests_in_flight')).toBe(0)
      await sluice.stop()
      await until(() => sluice.metric('tcp_open_connections') === 0)
      expect(clock.pending).toEqual([])
    },
  }
}

/** A server of node:http on a free port; closed with the test. */
export async function serveHttp(
  listener: RequestListener,
): Promise<{ readonly port: number; readonly server: Server }> {
  const server = createServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, server }
}
