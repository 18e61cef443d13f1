import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import type { Observer } from '../../../src/core/observer.js'
import type { Plugin } from '../../../src/plugins/plugin.js'
import type { Side } from '../../../src/core/side.js'
import { answering } from '../../support/answering.js'
import { startRouted } from '../../support/routed.js'
import { serve } from '../../support/sockets.js'
import { until } from '../../support/until.js'

/** Writes down what an observer of HTTP/1 is shown, each side by itself. */
class Watched {
  readonly said: Record<Side, string> = { client: '', server: '' }
  readonly order: string[] = []

  get plugin(): Plugin {
    return { name: 'watcher', apiVersion: 1, observers: [{ protocol: 'http/1', create: () => this.#observer }] }
  }

  get #observer(): Observer {
    return {
      onBytes: (side, chunk) => {
        this.said[side] += Buffer.from(chunk).toString('latin1')
      },
      onEnd: (side) => void this.order.push(`${side} ends`),
      onClose: () => void this.order.push('closed'),
    }
  }
}

describe('an observer of HTTP/1', () => {
  test('sees what the client says and what it is answered, from the first byte to the end', async () => {
    const server = await serve(answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nKeep-Alive: timeout=5\r\n\r\nok'))
    const watched = new Watched()
    const routed = await startRouted(server.port, { plugins: [watched.plugin] })
    const client = await routed.client()
    const requests = 'GET /1 HTTP/1.1\r\nHost: a\r\n\r\nGET /2 HTTP/1.1\r\nHost: a\r\n\r\n'
    client.send(requests)
    await until(() => client.text.split('ok').length === 3)
    client.send('GET /3 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n')
    await client.ended()
    client.socket.end()
    await routed.expectNothingLeft()
    expect(watched.said).toEqual({
      client: `${requests}GET /3 HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n`,
      server: client.text,
    })
    expect(watched.order).toEqual(['server ends', 'closed'])
  })

  test('is told when the client ends its half', async () => {
    const server = await serve(answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    const watched = new Watched()
    const routed = await startRouted(server.port, { plugins: [watched.plugin] })
    const client = await routed.client()
    client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
    client.socket.end()
    await client.ended()
    await routed.expectNothingLeft()
    expect(watched.order).toEqual(['client ends', 'server ends', 'closed'])
    expect(watched.said.server).toBe(client.text)
  })

  test('sees a tunnel, each byte once', async () => {
    const server = await serve((peer) => {
      peer.socket.once('data', () =>
        peer.send('HTTP/1.1 101 Switching\r\nUpgrade: chat\r\nConnection: Upgrade\r\n\r\nhello'),
      )
    })
    const watched = new Watched()
    const routed = await startRouted(server.port, { plugins: [watched.plugin] })
    const client = await routed.client()
    const asked = 'GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: chat\r\n\r\n'
    client.send(`${asked}early`)
    client.socket.end()
    await client.hears('hello')
    const peer = server.peers.find(({ text }) => text !== '')!
    await peer.ended()
    expect(peer.text.endsWith('\r\n\r\nearly')).toBe(true)
    peer.send('last').socket.end()
    await client.ended()
    await routed.expectNothingLeft()
    expect(watched.said).toEqual({ client: `${asked}early`, server: client.text })
    expect(watched.order).toEqual(['client ends', 'server ends', 'closed'])
  })

  test('that throws is dropped, and the requests go on', async () => {
    const server = await serve(answering('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'))
    const create = (): Observer => ({
      onBytes: () => {
        throw new Error('a bug')
      },
    })
    const plugin: Plugin = { name: 'faulty', apiVersion: 1, observers: [{ protocol: 'http/1', create }] }
    const routed = await startRouted(server.port, { plugins: [plugin] })
    const client = await routed.client()
    client.send('GET /1 HTTP/1.1\r\nHost: a\r\n\r\n')
    await client.hears('ok')
    expect(routed.sluice.metric('sluice_observer_dropped_total')).toBe(1)
  })
})
