import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import type { RequestRecord } from '../../../src/http/request-record.js'
import { makeRule } from '../../../src/filters/http-route/route-rule.js'
import type { RequestView } from '../../../src/filters/http-route/request-view.js'
import { ruleOptions } from '../../../src/filters/http-route/rule-options.js'
import { ConfigError } from '../../../src/core/config-error.js'
import type { SluiceConfig } from '../../../src/sluice-config.js'
import { ConfiguredUpstreams } from '../../../src/core/upstreams.js'
import { seededRandom } from '../../support/seeded-random.js'
import { type Routed, startRouted } from '../../support/routed.js'
import { serve, type TestServer } from '../../support/sockets.js'
import { startSluice } from '../../support/start-sluice.js'
import { until } from '../../support/until.js'

/** A server that says its name, and keeps what it was asked. */
function named(name: string): Promise<TestServer> {
  return serve((peer) => {
    let seen = 0
    peer.socket.on('data', () => {
      for (let at = peer.text.indexOf('\r\n\r\n', seen); at >= 0; at = peer.text.indexOf('\r\n\r\n', seen)) {
        seen = at + 4
        peer.send(`HTTP/1.1 200 OK\r\nServer: ${name}\r\nContent-Length: ${name.length + 1}\r\n\r\n${name}.`)
      }
    })
  })
}

/** What is answered, on a connection of its own, that ends with it. */
async function ask(routed: Routed, startLine: string, ...fields: readonly string[]): Promise<string> {
  const client = await routed.client()
  client.send([`${startLine} HTTP/1.1`, 'Host: shop.example', ...fields, 'Connection: close', '', ''].join('\r\n'))
  await client.ended()
  client.socket.end()
  return client.text
}

async function startWithRules(...rules: readonly Record<string, unknown>[]) {
  const [main, other] = [await named('main'), await named('other')]
  const routed = await startRouted(main.port, {
    options: { rules },
    upstreams: { other: { endpoints: [`127.0.0.1:${other.port}`] } },
  })
  return { routed, main, other }
}

describe('rules', () => {
  test('choose the upstream, the first match wins, and what matches none goes to the destination', async () => {
    const { routed } = await startWithRules(
      { name: 'exact', match: { path: '/a' }, respond: { status: 200, body: 'first.' } },
      { name: 'prefix', match: { pathPrefix: '/a' }, upstream: 'other' },
    )
    expect(await ask(routed, 'GET /a?x')).toContain('\r\n\r\nfirst.')
    expect(await ask(routed, 'GET /a/b')).toContain('\r\n\r\nother.')
    expect(await ask(routed, 'GET /ab')).toContain('\r\n\r\nmain.')
    expect(await ask(routed, 'GET http://shop.example/a/b')).toContain('\r\n\r\nother.')
    await routed.expectNothingLeft()
  })

  test('are tried anew for each request of a connection, and name themselves in label and record', async () => {
    const { routed } = await startWithRules({ name: 'api', match: { pathPrefix: '/api' }, upstream: 'other' })
    const records: RequestRecord[] = []
    routed.sluice.on('request', (record) => void records.push(record))
    const client = await routed.client()
    const request = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`
    client.send(request('/api/1') + request('/1') + request('/api/2') + request('/2'))
    const bodies = (): string[] => client.text.match(/other\.|main\./g) ?? []
    await until(() => bodies().length === 4)
    expect(bodies()).toEqual(['other.', 'main.', 'other.', 'main.'])
    expect(routed.sluice.metric('request_total', { route: 'api' })).toBe(2)
    expect(records[0]).toMatchObject({ route: 'api', target: '/api/1' })
    expect(records[1]).not.toHaveProperty('route')
  })

  test('redirect', async () => {
    const { routed, main } = await startWithRules({
      name: 'secure',
      redirect: { location: 'https://{host}{path}{query}', status: 301 },
    })
    expect(await ask(routed, 'GET /a/b?c=d')).toBe(
      'HTTP/1.1 301 Moved Permanently\r\nLocation: https://shop.example/a/b?c=d\r\nContent-Length: 0\r\nConnection: close\r\n\r\n',
    )
    expect(main.peers.map(({ text }) => text).join('')).toBe('')
    expect(routed.sluice.metric('response_total', { status_code: '301', route: 'secure' })).toBe(1)
  })

  test('answer by themselves, and the connection goes on', async () => {
    const { routed } = await startWithRules({
      name: 'health',
      match: { path: '/health' },
      respond: { status: 200, body: '{"ok":true}', contentType: 'application/json' },
    })
    const client = await routed.client()
    const request = 'POST /health HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc'
    const answer = 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 11\r\n\r\n{"ok":true}'
    client.send(request + request + request.replace('POST', 'HEAD'))
    await client.hearsBytes(2 * answer.length + answer.length - 11)
    expect(client.text).toBe(answer + answer + answer.slice(0, -11))
    client.socket.end()
    await routed.expectNothingLeft()
  })

  test('answer before content that is still to come only with the end of the connection', async () => {
    const { routed } = await startWithRules({ name: 'no', respond: { status: 403 } })
    const client = await routed.client()
    client.send('PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 5000\r\n\r\nabc')
    await client.ended()
    expect(client.text).toBe('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n')
  })

  test('edit what they answer themselves', async () => {
    const responseHeaders = { set: { 'Cache-Control': 'no-store', 'content-type': 'text/x' }, add: { 'X-A': '1' } }
    const { routed } = await startWithRules(
      { name: 'moved', match: { path: '/old' }, redirect: { location: '/new' }, responseHeaders },
      { name: 'fixed', match: { path: '/fixed' }, respond: { status: 200, body: 'ok' }, responseHeaders },
      { name: 'bare', respond: { status: 403, body: 'no' }, responseHeaders: { remove: ['Content-Type'] } },
    )
    const edits = 'Cache-Control: no-store\r\ncontent-type: text/x\r\nX-A: 1\r\n'
    expect(await ask(routed, 'GET /old')).toBe(
      `HTTP/1.1 308 Permanent Redirect\r\nLocation: /new\r\n${edits}Content-Length: 0\r\nConnection: close\r\n\r\n`,
    )
    expect(await ask(routed, 'GET /fixed')).toBe(
      `HTTP/1.1 200 OK\r\n${edits}Content-Length: 2\r\nConnection: close\r\n\r\nok`,
    )
    expect(await ask(routed, 'GET /')).toBe(
      'HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno',
    )
  })

  test('have the last word about the fields that forwarding adds', async () => {
    const main = await named('main')
    const routed = await startRouted(main.port, {
      options: {
        forwarding: { xForwarded: 'append', forwarded: 'append', via: 'edge', requestId: true, traceparent: true },
        rules: [
          {
            name: 'secure',
            requestHeaders: {
              set: { 'X-Forwarded-Proto': 'https', 'X-Forwarded-For': '10.0.0.9' },
              remove: ['forwarded', 'Via', 'x-request-id', 'traceparent'],
            },
          },
        ],
      },
    })
    await ask(routed, 'GET /', 'Via: 1.1 other', 'X-Forwarded-For: 10.0.0.1')
    expect(main.peers[0]!.text).toBe(
      'GET / HTTP/1.1\r\nHost: shop.example\r\nx-forwarded-host: shop.example\r\nX-Forwarded-Proto: https\r\nX-Forwarded-For: 10.0.0.9\r\n\r\n',
    )
  })

  test.each(['GET /a HTTP/1.0\r\n', 'GET /a HTTP/1.1\r\nHost:\r\n', 'GET /a HTTP/1.1\r\nHost: :80\r\n'])(
    'lead nowhere where a redirect needs a host and there is none: %j',
    async (head) => {
      const { routed } = await startWithRules({ name: 'secure', redirect: { location: 'https://{host}{path}' } })
      const client = await routed.client()
      client.send(`${head}\r\n`)
      await client.ended()
      expect(client.text).toMatch(/^HTTP\/1.1 400 Bad Request\r\n[^]*\r\n\r\nsluice: host-missing: /)
      expect(routed.sluice.metric('sluice_http_refused_total', { reason: 'host-missing' })).toBe(1)
    },
  )

  test('rewrite host and prefix, and edit fields both ways', async () => {
    const { routed, other } = await startWithRules({
      name: 'edit',
      match: { pathPrefix: '/api/' },
      upstream: 'other',
      rewrite: { host: 'inner.example:81', prefix: '/v2' },
      requestHeaders: { set: { 'X-User': 'us' }, add: { 'X-Via': 'sluice' }, remove: ['cookie'] },
      responseHeaders: { set: { Server: 'hidden' }, add: { 'X-Served': 'yes' } },
    })
    const answer = await ask(routed, 'GET /api/x?y=1', 'x-user: them', 'X-User: again', 'Cookie: a=b', 'X-Via: b')
    expect(other.peers[0]!.text).toBe(
      'GET /v2/x?y=1 HTTP/1.1\r\nX-Via: b\r\nHost: inner.example:81\r\nX-User: us\r\nX-Via: sluice\r\n\r\n',
    )
    expect(answer).toBe(
      'HTTP/1.1 200 OK\r\nContent-Length: 6\r\nServer: hidden\r\nX-Served: yes\r\nConnection: close\r\n\r\nother.',
    )
    await ask(routed, 'GET http://shop.example/api/')
    expect(other.peers[0]!.text).toContain('GET /v2/ HTTP/1.1\r\nHost: inner.example:81\r\n')
  })

  test('serve a listener that has no destination; what matches none gets a 404', async () => {
    const other = await named('other')
    const routed = await startRouted('unused', {
      listener: {
        destination: undefined,
        filters: [
          'detect',
          { 'http-route': { rules: [{ name: 'a', match: { path: '/a' }, upstream: `127.0.0.1:${other.port}` }] } },
          { 'direct-response': {} },
        ],
      },
    })
    expect(await ask(routed, 'GET /a')).toContain('other.')
    expect(await ask(routed, 'GET /b')).toMatch(/^HTTP\/1.1 404 Not Found\r\n[^]*sluice: no-route: /)
  })
})

/** As what came is read: a character for each byte. */
const bytesOf = (text: string): string => Buffer.from(text).toString('latin1')

describe('a match', () => {
  const view = (given: Partial<RequestView> & { fields?: Record<string, string> }): RequestView => ({
    method: 'GET',
    host: 'shop.example',
    path: '/',
    query: '',
    header: (name) => given.fields?.[name],
    ...given,
  })

  test.each<[string, object, Parameters<typeof view>[0], boolean]>([
    ['exact host', { host: 'shop.example' }, {}, true],
    ['another host', { host: 'api.example' }, {}, false],
    ['any of several hosts', { host: ['api.example', 'shop.example'] }, {}, true],
    ['host below', { host: '*.example' }, { host: 'a.b.example' }, true],
    ['not the suffix itself', { host: '*.shop.example' }, {}, false],
    ['exact path', { path: '/a' }, { path: '/a' }, true],
    ['not below an exact path', { path: '/a' }, { path: '/a/b' }, false],
    ['prefix itself', { pathPrefix: '/a' }, { path: '/a' }, true],
    ['below a prefix', { pathPrefix: '/a' }, { path: '/a/b' }, true],
    ['half a segment', { pathPrefix: '/a' }, { path: '/ab' }, false],
    ['all paths', { pathPrefix: '/' }, { path: '/ab' }, true],
    ['template', { pathTemplate: '/orders/{id}' }, { path: '/orders/7' }, true],
    ['more than a template', { pathTemplate: '/orders/{id}' }, { path: '/orders/7/x' }, false],
    ['method', { method: ['POST', 'GET'] }, {}, true],
    ['another method', { method: 'POST' }, {}, false],
    ['field', { header: { 'X-Canary': '1' } }, { fields: { 'x-canary': '1' } }, true],
    ['another value', { header: { 'X-Canary': ['1', '2'] } }, { fields: { 'x-canary': '3' } }, false],
    ['any value', { header: { 'X-Canary': true } }, { fields: { 'x-canary': '' } }, true],
    ['no field', { header: { 'X-Canary': false } }, {}, true],
    ['a field where there must be none', { header: { 'X-Canary': false } }, { fields: { 'x-canary': '1' } }, false],
    ['parameter', { query: { v: '2 3' } }, { query: '?a&v=2+3' }, true],
    ['another parameter', { query: { v: '2' } }, { query: '?w=2' }, false],
    ['a value in UTF-8', { header: { city: 'Zürich' } }, { fields: { city: bytesOf('Zürich') } }, true],
    ['a value in Latin-1', { header: { city: 'Zürich' } }, { fields: { city: 'Zürich' } }, true],
    ['an escaped parameter', { query: { v: 'ü' } }, { query: '?v=%c3%bc' }, true],
    ['a parameter in bare UTF-8', { query: { v: 'ü' } }, { query: bytesOf('?v=ü') }, true],
    ['a parameter without a value', { query: { v: true } }, { query: '?v' }, true],
    ['all keys', { path: '/a', method: 'GET' }, { path: '/a' }, true],
    ['all keys but one', { path: '/a', method: 'PUT' }, { path: '/a' }, false],
    ['nothing asked', {}, {}, true],
  ])('by %s', (_what, match, request, expected) => {
    const rule = makeRule(ruleOptions.parse({ name: 'a', match }), new ConfiguredUpstreams([], () => ({})))
    expect(rule.matches(view(request))).toBe(expected)
  })

  test.each([
    ['{path}{query}', '/a', '/a?q'],
    ['{path}', '//evil.example/a', '/.//evil.example/a'],
    ['{path}', '/\\evil.example', '/./\\evil.example'],
    ['{path}', '///evil.example', '/.///evil.example'],
    ['/{path}', '/evil.example', '/.//evil.example'],
    ['/new{path}', '//evil.example', '/new//evil.example'],
    ['{host}{path}', '//evil.example', 'shop//evil.example'],
    ['https://{host}{path}', '//a', 'https://shop//a'],
    ['//{host}{path}', '/a', '//shop/a'],
    ['https://{host}{path}', '*', 'https://shop/'],
    ['https://shop.example{path}', '.evil.example:443', 'https://shop.example/'],
  ])('redirect to %s of %s by %s', (location, path, expected) => {
    const redirect = { location }
    const rule = makeRule(ruleOptions.parse({ name: 'a', redirect }), new ConfiguredUpstreams([], () => ({})))
    expect(rule.answer(view({ path, query: '?q', host: 'shop' }))!.fields).toEqual([`Location: ${expected}`])
  })

  test('splits by weight', () => {
    const split = [
      { upstream: '10.0.0.1:1', weight: 9 },
      { upstream: '10.0.0.2:1', weight: 1 },
    ]
    const random = seededRandom(7)
    const rule = makeRule(ruleOptions.parse({ name: 'a', split }), new ConfiguredUpstreams([], () => ({})), () =>
      random(),
    )
    const chosen = Array.from({ length: 10_000 }, () => rule.group()!.label)
    const share = chosen.filter((label) => label === '10.0.0.2:1').length
    expect(share).toBeGreaterThan(850)
    expect(share).toBeLessThan(1150)
  })
})

test('a share of no weight gets nothing, whatever is drawn', () => {
  const split = [0, 1, 0].map((weight, index) => ({ upstream: `10.0.0.${index}:1`, weight }))
  for (const drawn of [0, 0.5, 1 - 2 ** -53, 1]) {
    const rule = makeRule(ruleOptions.parse({ name: 'a', split }), new ConfiguredUpstreams([], () => ({})), () => drawn)
    expect(rule.group()!.label).toBe('10.0.0.1:1')
  }
})

describe('check', () => {
  /** Codes and paths below the options, of errors or of warnings. */
  async function findings(
    rules: readonly object[],
    filters?: readonly unknown[],
    destination = 'web',
  ): Promise<string[]> {
    const config = {
      upstreams: { web: { endpoints: ['127.0.0.1:9'] } },
      listeners: [
        {
          name: 'in',
          address: '127.0.0.1:0',
          ...(destination !== '' && { destination }),
          filters: filters ?? ['detect', { 'http-route': { rules } }, { 'direct-response': {} }],
        },
      ],
    }
    const all = await startSluice(config as unknown as SluiceConfig).then(
      (sluice) => sluice.warnings,
      (error: unknown) => (error instanceof ConfigError ? error.findings : Promise.reject(error as Error)),
    )
    return all.map(({ code, path }) => `${code} ${path.replace(/^.*http-route\.?/, '')}`)
  }

  test.each<[string, object, object]>([
    ['everything', {}, { path: '/a' }],
    ['the same', { path: '/a', method: 'GET' }, { path: '/a', method: 'GET' }],
    ['below a prefix', { pathPrefix: '/a' }, { path: ['/a', '/a/b'] }],
    ['a longer prefix', { pathPrefix: '/a' }, { pathPrefix: '/a/b' }],
    ['a template below a prefix', { pathPrefix: '/a' }, { pathTemplate: '/a/{id}' }],
    ['a path of a template', { pathTemplate: '/a/{id}' }, { path: '/a/1' }],
    ['a host below a suffix', { host: '*.example.com' }, { host: 'a.b.example.com', path: '/' }],
    ['one of several methods', { method: ['GET', 'PUT'] }, { method: 'PUT' }],
    ['a value of a field that must be there', { header: { 'X-A': true } }, { header: { 'x-a': '1' } }],
    ['one of several values', { query: { a: ['1', '2'] } }, { query: { a: '2', b: '3' } }],
  ])('warns of a rule that is never reached: %s', async (_what, earlier, later) => {
    const rules = [
      { name: 'first', match: earlier },
      { name: 'second', match: later },
    ]
    expect(await findings(rules)).toEqual(['SLUICE_CONFIG_SHADOWED_ROUTE rules[1]'])
  })

  test.each<[string, object, object]>([
    ['another path', { path: '/a' }, { path: ['/a', '/b'] }],
    ['half a segment', { pathPrefix: '/a' }, { path: '/ab' }],
    ['a prefix below a path', { path: '/a' }, { pathPrefix: '/a' }],
    ['a template that begins above', { pathPrefix: '/a/b' }, { pathTemplate: '/a/{id}' }],
    ['fewer keys', { path: '/a', method: 'GET' }, { path: '/a' }],
    ['a field that may be another', { header: { a: '1' } }, { header: { a: true } }],
    ['a field that must not be there', { header: { a: true } }, { header: { a: false } }],
  ])('says nothing of a rule that is reached: %s', async (_what, earlier, later) => {
    const rules = [
      { name: 'first', match: earlier },
      { name: 'second', match: later },
    ]
    expect(await findings(rules)).toEqual([])
  })

  test('finds destinations that are none, names that stand twice, and options that contradict each other', async () => {
    expect(await findings([{ name: 'a', upstream: 'wbe' }])).toEqual([
      'SLUICE_CONFIG_UNKNOWN_UPSTREAM rules[0].upstream',
    ])
    expect(await findings([{ name: 'a', split: [{ upstream: 'original' }] }])).toEqual([
      'SLUICE_CONFIG_INVALID_VALUE rules[0].split[0].upstream',
    ])
    expect(await findings([{ name: 'a', match: { path: '/a' } }, { name: 'a' }])).toEqual([
      'SLUICE_CONFIG_DUPLICATE_NAME rules[1].name',
    ])
    for (const rule of [
      { name: 'a', upstream: 'web', respond: { status: 200 } },
      { name: 'a', match: { path: '/a', pathPrefix: '/a' } },
      { name: 'a', rewrite: { prefix: '/b' } },
      { name: 'a', requestHeaders: { set: { 'Content-Length': '1' } } },
      { name: 'a', responseHeaders: { add: { 'X-A': 'a\r\nX-B: b' } } },
      { name: 'a', redirect: { location: 'https://a/\n' } },
      { name: 'a', redirect: { location: 'https://{hots}/' } },
      { name: 'a', redirect: { location: '/{path' } },
      { name: 'a', redirect: { location: '/käse' } },
      { name: 'a', match: { path: '/käse' } },
      { name: 'a', match: { pathPrefix: '/日本' } },
      { name: 'a', match: { pathTemplate: '/käse/{id}' } },
      { name: 'a', match: { pathPrefix: '/a' }, rewrite: { prefix: '/Ċ' } },
      { name: 'a', requestHeaders: { set: { Host: 'b' } } },
      { name: 'a', requestHeaders: { add: { host: 'b' } } },
      { name: 'a', requestHeaders: { remove: ['host'] } },
      { name: 'a', split: [{ upstream: 'web', weight: 0 }] },
    ])
      expect((await findings([rule]))[0], JSON.stringify(rule)).toMatch(/^SLUICE_CONFIG_INVALID_VALUE rules\[0\]/)
  })

  test.each<[object, string]>([
    [{ redirect: { location: '/' }, rewrite: { host: 'a' } }, 'rewrite'],
    [{ match: { pathPrefix: '/a' }, respond: { status: 200 }, rewrite: { prefix: '/b' } }, 'rewrite'],
    [{ respond: { status: 200 }, requestHeaders: { remove: ['a'] } }, 'requestHeaders'],
    [{ respond: { status: 204, body: 'a' } }, 'respond.body'],
    [{ match: { path: ['/a', '/b/*'] } }, 'match.path'],
    [{ match: { pathPrefix: '/orders/{id}' } }, 'match.pathPrefix'],
    [{ match: { method: ['GET', 'post'] } }, 'match.method'],
  ])('warns of what has no effect: %j', async (rule, path) => {
    expect(await findings([{ name: 'a', ...rule }])).toEqual([`SLUICE_CONFIG_NO_EFFECT rules[0].${path}`])
  })

  test('says nothing of methods of one’s own, of an answer without content, and of fields of a redirect', async () => {
    const rules = [
      { name: 'a', match: { method: 'frob' } },
      { name: 'b', match: { path: '/b' }, respond: { status: 204 } },
      { name: 'c', redirect: { location: '{path}' }, responseHeaders: { set: { a: 'b' } } },
    ]
    expect(await findings(rules)).toEqual([])
  })

  test('wants somewhere to send the requests of each rule to', async () => {
    const rules = [
      { name: 'a', match: { path: '/a' }, upstream: 'web' },
      { name: 'b', match: { path: '/b' }, respond: { status: 200 } },
      { name: 'c', requestHeaders: { remove: ['a'] } },
    ]
    expect(await findings(rules, undefined, '')).toEqual(['SLUICE_CONFIG_NO_DESTINATION rules[2]'])
  })

  test('says how a number becomes the value of a field', async () => {
    const rules = [{ name: 'a', match: { header: { 'x-version': 2 } } }]
    const filters = ['detect', { 'http-route': { rules } }, { 'direct-response': {} }]
    const config = { listeners: [{ name: 'in', address: '127.0.0.1:0', destination: '127.0.0.1:9', filters }] }
    await expect(startSluice(config as unknown as SluiceConfig)).rejects.toThrow(
      'expected text, or a list, got 2; as text it has quotes: "2"',
    )
  })

  test('wants a filter before it that finds HTTP, and somewhere to send requests to', async () => {
    expect(await findings([], ['http-route', 'tcp-forward'])).toEqual(['SLUICE_CONFIG_NEEDS_DETECT '])
    expect(await findings([], undefined, '')).toContain('SLUICE_CONFIG_NO_DESTINATION ')
    const detect = { detect: { protocols: ['tls', 'http/2'] } }
    expect(await findings([], [detect, 'http-route', 'tcp-forward'])).toEqual(['SLUICE_CONFIG_NEEDS_DETECT '])
    const alsoHttp = { detect: { protocols: ['tls', 'http/1'] } }
    expect(await findings([], [alsoHttp, 'http-route', 'tcp-forward'])).toEqual([])
    const port = { 'port-override': { ports: { 80: 'http/1' } } }
    expect(await findings([], [port, detect, 'http-route', 'tcp-forward'])).toEqual([])
  })

  test('warns of what stands behind it and gets none of its requests', async () => {
    expect(await findings([], ['detect', 'http-route', 'http-route', 'tcp-forward'])).toEqual([
      'SLUICE_CONFIG_NO_EFFECT ',
    ])
    const labelled = { 'http-metrics': { labels: { method: true } } }
    expect(await findings([], ['detect', 'http-route', labelled, 'tcp-forward'])).toEqual([
      expect.stringMatching(/^SLUICE_CONFIG_NO_EFFECT .*http-metrics\.labels$/),
    ])
    expect(await findings([], ['detect', labelled, 'http-route', 'tcp-forward'])).toEqual([])
    expect(await findings([], ['detect', 'http-route', 'http-metrics', 'tcp-forward'])).toEqual([])
  })
})
