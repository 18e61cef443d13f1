import { describe, expect, test } from 'vitest'
import { ORIGINAL_DESTINATIONS } from '../../src/core/tokens.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener, startSluice } from '../support/start-sluice.js'

describe('limits', () => {
  test('a listener refuses what is over its maxConnections, and counts it', async () => {
    const sluice = await startListener({ filters: ['echo'], limits: { maxConnections: 1 } })
    const one = await connectTo(sluice.address().port)
    one.send('x')
    await one.hears('x')
    const closed = sluice.nextClose()
    const two = await connectTo(sluice.address().port)
    expect(await two.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'listener', reason: 'max-connections' } })
    one.send('y')
    await one.hears('xy')
    expect(sluice.metric('sluice_deny_total', { filter: 'listener', reason: 'max-connections' })).toBe(1)
  })

  test('an endpoint holds no more than its maxConnections: the next endpoint serves, then upstream-full', async () => {
    const [one, two] = [await serve(), await serve()]
    const sluice = await startSluice({
      upstreams: { web: { endpoints: [`127.0.0.1:${one.port}`, `127.0.0.1:${two.port}`], maxConnections: 1 } },
      listeners: [{ name: 'in', address: '127.0.0.1:0', destination: 'web' }],
    })
    const first = await connectTo(sluice.address().port)
    await connectTo(sluice.address().port)
    const [upstream] = [await one.accepted(), await two.accepted()]
    const closed = sluice.nextClose()
    const third = await connectTo(sluice.address().port)
    expect(await third.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ denied: { filter: 'tcp-forward', reason: 'upstream-full' } })
    expect(sluice.metric('sluice_deny_total', { reason: 'upstream-full' })).toBe(1)

    const freed = sluice.nextClose()
    first.socket.end()
    await upstream.ended()
    upstream.socket.end()
    await freed
    await connectTo(sluice.address().port)
    await one.accepted(1)
  })

  test('the next endpoint serves when one refuses, each tried once', async () => {
    const [gone, alive] = [await serve(), await serve()]
    await new Promise((resolve) => gone.server.close(resolve))
    const sluice = await startSluice({
      upstreams: { web: { endpoints: [`127.0.0.1:${gone.port}`, `127.0.0.1:${alive.port}`] } },
      listeners: [{ name: 'in', address: '127.0.0.1:0', destination: 'web' }],
    })
    for (let i = 0; i < 4; i++) {
      const client = await connectTo(sluice.address().port)
      client.send('x')
      await (await alive.accepted(i)).hears('x')
    }
    expect(sluice.connections().map(({ destination }) => destination)).toEqual(Array(4).fill(`127.0.0.1:${alive.port}`))
  })

  test('a name that does not exist is a failure that says so', async () => {
    const sluice = await startListener({ destination: 'no-such-name.invalid:80' })
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ reason: 'connect-failed', error: 'SLUICE_NAME_NOT_FOUND' })
  })

  test('a name is resolved', async () => {
    const server = await serve()
    const sluice = await startListener({ destination: `localhost:${server.port}` })
    const client = await connectTo(sluice.address().port)
    client.send('by name')
    await (await server.accepted()).hears('by name')
  })
})

describe('balancing', () => {
  async function startBalanced(balance: 'round-robin' | 'least-connections' | 'random') {
    const servers = [await serve(), await serve(), await serve()]
    const sluice = await startSluice({
      upstreams: { web: { endpoints: servers.map(({ port }) => `127.0.0.1:${port}`), balance } },
      listeners: [{ name: 'in', address: '127.0.0.1:0', destination: 'web' }],
    })
    const dial = async () => {
      const client = await connectTo(sluice.address().port)
      client.send('x')
      while (!servers.flatMap(({ peers }) => peers).some(({ text }) => text === 'x'))
        await new Promise((resolve) => setImmediate(resolve))
      return client
    }
    return { servers, sluice, dial, counts: () => servers.map(({ peers }) => peers.length) }
  }

  test('round-robin takes turns', async () => {
    const { dial, counts, servers } = await startBalanced('round-robin')
    for (let i = 0; i < 6; i++) await dial()
    await Promise.all(servers.map((server) => server.accepted(1)))
    expect(counts()).toEqual([2, 2, 2])
  })

  test('least-connections takes the endpoint with the fewest', async () => {
    const { dial, counts, sluice, servers } = await startBalanced('least-connections')
    for (let i = 0; i < 3; i++) await dial()
    await Promise.all(servers.map((server) => server.accepted(0)))
    const closed = sluice.nextClose()
    servers[1]!.peers[0]!.socket.resetAndDestroy()
    await closed
    await dial()
    await servers[1]!.accepted(1)
    expect(counts()).toEqual([1, 2, 1])
  })

  test('random reaches every endpoint', async () => {
    const { dial, servers } = await startBalanced('random')
    // 60 draws miss one of three with a chance of 1 in 10^10.
    for (let i = 0; i < 60; i++) await dial()
    await Promise.all(servers.map((server) => server.accepted(0)))
  })
})

describe('loops', () => {
  test('a connection that comes back from one of our own upstream wires is denied', async () => {
    const sluice = await startSluice(
      {
        listeners: [{ name: 'a', address: '127.0.0.1:0', intercept: 'redirect', destination: 'original' }],
      },
      { providers: [{ token: ORIGINAL_DESTINATIONS, value: { of: () => ({ host: '127.0.0.1', port: sluiceA() }) } }] },
    )
    const sluiceA = () => port
    const port = sluice.address('a').port
    const closed: Promise<unknown>[] = [sluice.nextClose('a')]
    const client = await connectTo(port)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed[0]).toMatchObject({ denied: { filter: 'listener', reason: 'loop' } })
  })

  test('an original destination names the port that filters see', async () => {
    const server = await serve()
    const sluice = await startListener(
      {
        intercept: 'redirect',
        destination: 'original',
        filters: [{ 'port-override': { ports: { [String(server.port)]: 'nats' } } }, 'detect', 'tcp-forward'],
      },
      {
        providers: [{ token: ORIGINAL_DESTINATIONS, value: { of: () => ({ host: '127.0.0.1', port: server.port }) } }],
      },
    )
    const client = await connectTo(sluice.address().port)
    client.send('anything')
    await (await server.accepted()).hears('anything')
    expect(sluice.connections()[0]).toMatchObject({
      protocol: 'nats',
      decidedBy: 'port',
      destination: `127.0.0.1:${server.port}`,
    })
  })

  test('a connection that was not redirected is refused where one is expected', async () => {
    const sluice = await startListener(
      { intercept: 'redirect', destination: 'original' },
      { providers: [{ token: ORIGINAL_DESTINATIONS, value: { of: () => undefined } }] },
    )
    const closed = sluice.nextClose()
    await connectTo(sluice.address().port)
    expect(await closed).toMatchObject({ denied: { filter: 'listener', reason: 'no-original-destination' } })
  })
})
