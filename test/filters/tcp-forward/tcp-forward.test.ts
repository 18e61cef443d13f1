import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../../src/core/config-error.js'
import type { FilterInput } from '../../../src/core/filter-options.js'
import { clientHello } from '../../support/client-hello.js'
import { connectTo, serve, type TestServer } from '../../support/sockets.js'
import { startListener, startSluice } from '../../support/start-sluice.js'

type Match = Record<string, unknown>

/** A server for each route, which says the route's name. */
async function start(matches: Record<string, Match>, listener: Record<string, unknown> = {}) {
  const servers: Record<string, TestServer> = {}
  const routes = []
  for (const [name, match] of Object.entries(matches)) {
    servers[name] = await serve((peer) => peer.socket.once('data', () => peer.send(`this is ${name}`)))
    routes.push({ name, match, destination: `127.0.0.1:${servers[name].port}` })
  }
  const sluice = await startListener({ filters: ['detect', { 'tcp-forward': { routes } }], ...listener })
  /** The route that these bytes take, or why they take none. */
  const routeOf = async (bytes: Uint8Array | string): Promise<string> => {
    const closed = sluice.nextClose()
    const client = await connectTo(sluice.address().port)
    client.send(bytes)
    const answer = client.hears('this is').then((text) => text.replace('this is ', ''))
    return Promise.race([answer.catch(() => 'reset'), closed.then(({ denied }) => denied?.reason ?? 'closed')])
  }
  return { sluice, routeOf }
}

const HTTP = 'GET / HTTP/1.1\r\nhost: x\r\n\r\n'
const SSH = 'SSH-2.0-x\r\n'

describe('routes', () => {
  test('are tried in order; the first match wins, and nothing is left without a destination', async () => {
    const { routeOf, sluice } = await start({ ssh: { protocol: 'ssh' }, web: { protocol: ['http/1', 'http/2'] } })
    expect(await routeOf(HTTP)).toBe('web')
    expect(await routeOf(SSH)).toBe('ssh')
    expect(await routeOf('\0\0\0\0\0')).toBe('no-route')
    expect(sluice.metric('sluice_deny_total', { filter: 'tcp-forward', reason: 'no-route' })).toBe(1)
  })

  test('leave what matches none to the destination of the listener', async () => {
    const rest = await serve()
    const { sluice } = await start({ ssh: { protocol: 'ssh' } }, { destination: `127.0.0.1:${rest.port}` })
    const client = await connectTo(sluice.address().port)
    client.send(HTTP)
    await (await rest.accepted()).hears('GET')
    expect(sluice.connections()[0]?.route).toBeUndefined()
  })

  test('match server names exactly or below a suffix, whatever their case', async () => {
    const { routeOf } = await start({
      shop: { sni: 'shop.example.com' },
      api: { sni: ['*.api.example.com', 'api.test'] },
      rest: { protocol: 'tls' },
    })
    expect(await routeOf(await clientHello({ servername: 'SHOP.Example.com' }))).toBe('shop')
    expect(await routeOf(await clientHello({ servername: 'v1.api.example.com' }))).toBe('api')
    expect(await routeOf(await clientHello({ servername: 'a.b.api.example.com' }))).toBe('api')
    expect(await routeOf(await clientHello({ servername: 'api.test' }))).toBe('api')
    expect(await routeOf(await clientHello({ servername: 'api.example.com' }))).toBe('rest')
    expect(await routeOf(await clientHello({}))).toBe('rest')
  })

  test('match any application protocol that the client offers', async () => {
    const { routeOf } = await start({ acme: { alpn: 'acme-tls/1' }, h2: { alpn: ['h2', 'h3'] }, rest: {} })
    expect(await routeOf(await clientHello({ servername: 'a.test', ALPNProtocols: ['acme-tls/1'] }))).toBe('acme')
    expect(await routeOf(await clientHello({ servername: 'a.test', ALPNProtocols: ['http/1.1', 'h2'] }))).toBe('h2')
    expect(await routeOf(await clientHello({ servername: 'a.test', ALPNProtocols: ['http/1.1'] }))).toBe('rest')
    expect(await routeOf(HTTP)).toBe('rest')
  })

  test('need all of their keys', async () => {
    const { routeOf } = await start({
      both: { protocol: 'http/1', source: '192.0.2.0/24' },
      here: { protocol: 'http/1', source: ['10.0.0.0/8', '127.0.0.0/8'] },
    })
    expect(await routeOf(HTTP)).toBe('here')
  })

  test('match by source and port without looking at a byte', async () => {
    const server = await serve((peer) => peer.send('greeting'))
    const route = { match: { source: '127.0.0.1' }, destination: `127.0.0.1:${server.port}` }
    const sluice = await startListener({ filters: ['detect', { 'tcp-forward': { routes: [route] } }] })
    const client = await connectTo(sluice.address().port)
    expect(await client.hears('greeting')).toBe('greeting')
  })

  test('match by the port of the listener, where nothing else has one', async () => {
    const { sluice, routeOf } = await start({ never: { port: 1 }, rest: {} })
    expect(sluice.address().port).not.toBe(1)
    expect(await routeOf(HTTP)).toBe('rest')
  })
})

describe('check', () => {
  const start = (routes: object[], filters: FilterInput[] = ['detect'], listener: object = {}) =>
    startSluice({
      upstreams: { web: { endpoints: ['127.0.0.1:1'] } },
      listeners: [
        {
          name: 'in',
          address: '127.0.0.1:0',
          filters: [...filters, { 'tcp-forward': { routes: routes as never } }],
          ...listener,
        },
      ],
    })

  /** Codes and paths below the routes, of errors or of warnings. */
  async function findings(routes: object[], filters?: FilterInput[], listener?: object): Promise<string[]> {
    const all = await start(routes, filters, listener).then(
      (sluice) => sluice.warnings,
      (error: unknown) => (error instanceof ConfigError ? error.findings : Promise.reject(error as Error)),
    )
    return all.map(({ code, path }) => `${code} ${path.replace(/^.*tcp-forward\.?/, '')}`)
  }

  test.each<[string, object, object]>([
    ['the same protocol', { protocol: 'ssh' }, { protocol: 'ssh' }],
    ['one of several', { protocol: ['ssh', 'tls'] }, { protocol: 'tls' }],
    ['everything', {}, { protocol: 'ssh' }],
    ['a name below a suffix', { sni: '*.example.com' }, { sni: 'a.b.example.com' }],
    ['a suffix below a suffix', { sni: '*.example.com' }, { sni: '*.api.example.com' }],
    ['TLS by name', { protocol: 'tls' }, { sni: 'a.example.com' }],
    ['a smaller network', { source: '10.0.0.0/8' }, { source: '10.1.0.0/16', protocol: 'ssh' }],
    ['a later silence', { clientSilent: '1s' }, { clientSilent: '2s' }],
  ])('warns of a route that is never reached: %s', async (_name, earlier, later) => {
    const routes = [
      { name: 'first', match: earlier, destination: 'web' },
      { match: later, destination: 'web' },
    ]
    expect(await findings(routes)).toContain('SLUICE_CONFIG_SHADOWED_ROUTE routes[1]')
  })

  test.each<[string, object, object]>([
    ['another protocol', { protocol: 'ssh' }, { protocol: 'tls' }],
    ['more than before', { protocol: 'ssh' }, { protocol: ['ssh', 'tls'] }],
    ['the name itself beside what is below it', { sni: '*.example.com' }, { sni: 'example.com' }],
    ['a narrower earlier route', { protocol: 'tls', sni: 'a.test' }, { protocol: 'tls' }],
    ['a larger network', { source: '10.1.0.0/16' }, { source: '10.0.0.0/8' }],
    ['an earlier silence', { clientSilent: '2s' }, { clientSilent: '1s' }],
  ])('does not warn of %s', async (_name, earlier, later) => {
    const routes = [
      { match: earlier, destination: 'web' },
      { match: later, destination: 'web' },
    ]
    expect(await findings(routes)).not.toContain('SLUICE_CONFIG_SHADOWED_ROUTE routes[1]')
  })

  test('refuses what cannot be meant', async () => {
    expect(await findings([{ match: { protocol: 'shh' }, destination: 'web' }])).toEqual([
      'SLUICE_CONFIG_UNKNOWN_PROTOCOL routes[0].match.protocol',
    ])
    expect(await findings([{ match: {}, destination: 'wbe' }])).toContain(
      'SLUICE_CONFIG_UNKNOWN_UPSTREAM routes[0].destination',
    )
    expect(await findings([{ match: { clientSilent: '1s', protocol: 'ssh' }, destination: 'web' }])).toHaveLength(1)
    expect(await findings([{ match: { protocol: 'ssh' }, destination: 'web' }], [])).toEqual([
      'SLUICE_CONFIG_NEEDS_DETECT routes[0].match',
    ])
    expect(await findings([])).toContain('SLUICE_CONFIG_NO_DESTINATION ')
  })

  test('warns of clients that a timer would take for silent ones', async () => {
    const routes = [
      { match: { protocol: 'ssh' }, destination: 'web' },
      { name: 'db', match: { clientSilent: '1s' }, destination: 'web' },
    ]
    const sluice = await start(routes)
    expect(sluice.warnings.map(({ message }) => message)).toEqual([
      'clients of ssh may wait for a greeting too: after 1 s they would go to "db"',
    ])
  })
})
