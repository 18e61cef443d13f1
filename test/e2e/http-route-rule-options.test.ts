import { describe, expect, test } from 'vitest'
import type { RequestRecord } from '../../src/http/request-record.js'
import { needPrograms } from '../support/need-programs.js'
import {
  ask,
  type AskOptions,
  askTimes,
  type Proxy,
  routeTo,
  serveWeb,
  tally,
  type WebServer,
} from '../support/routed-yaml.js'
import { runProgram } from '../support/run-program.js'
import { until } from '../support/until.js'

interface Ruled extends Proxy {
  /** Where requests go that match nothing, and where a rule may send them. */
  readonly main: WebServer
  readonly other: WebServer
}

/** A proxy with these rules; `OTHER` in them is the address of the other server. */
async function startRules(rules: string): Promise<Ruled> {
  const [main, other] = [await serveWeb('main'), await serveWeb('other')]
  const proxy = await routeTo(main.port, `rules: [${rules.replaceAll('OTHER', `'${other.address}'`)}]`)
  return { ...proxy, main, other }
}

/** A proxy whose only rule sends what matches to the other server; who answers each of these requests. */
async function answeredBy(match: string, ...requests: readonly (readonly [target: string, options?: AskOptions])[]) {
  const proxy = await startRules(`{ name: matched, match: ${match}, upstream: OTHER }`)
  const bodies: string[] = []
  for (const [target, options] of requests) bodies.push((await ask(proxy, target, options)).body)
  return bodies
}

const host = (name: string) => ({ headers: { host: name } })

describe('options of filter http-route rules.0', () => {
  test('name: is the label of requests and responses, and in their records; what matches no rule has none', async () => {
    const proxy = await startRules('{ name: orders, match: { pathPrefix: /orders }, upstream: OTHER }')
    const records: RequestRecord[] = []
    proxy.sluice.on('request', (record) => void records.push(record))
    await ask(proxy, '/orders/7')
    await ask(proxy, '/else')
    await until(() => records.length === 2)
    expect(records[0]).toMatchObject({ route: 'orders', destination: proxy.other.address, status: 200 })
    expect(records[1]).not.toHaveProperty('route')
    expect(proxy.sluice.metric('request_total', { route: 'orders' })).toBe(1)
    expect(proxy.sluice.metric('response_total', { route: 'orders', status_code: '200' })).toBe(1)
    expect(proxy.sluice.metric('request_total')).toBe(2)
  })

  test('upstream: where requests go, host:port; without it they go to the destination', async () => {
    const proxy = await startRules(
      '{ name: a, match: { path: /a }, upstream: OTHER }, { name: b, match: { path: /b } }',
    )
    expect((await ask(proxy, '/a')).body).toBe('other')
    expect((await ask(proxy, '/b')).body).toBe('main')
    expect(proxy.sluice.metric('request_total', { route: 'b' })).toBe(1)
  })
})

describe('options of filter http-route rules.0.match', () => {
  test('host: is exact, or any name below a suffix, in any case and with any port', async () => {
    expect(
      await answeredBy(
        '{ host: [shop.example, "*.api.example"] }',
        ['/', host('shop.example')],
        ['/', host('SHOP.example:8080')],
        ['/', host('v1.eu.api.example')],
        ['/', host('api.example')],
        ['/', host('www.shop.example')],
      ),
    ).toEqual(['other', 'other', 'other', 'main', 'main'])
  })

  test('path: is the whole path, whatever the query', async () => {
    expect(await answeredBy('{ path: [/a, /b/] }', ['/a'], ['/a?x=1'], ['/b/'], ['/a/'], ['/b'], ['/A'])).toEqual([
      'other',
      'other',
      'other',
      'main',
      'main',
      'main',
    ])
  })

  test('pathPrefix: is the path, or what it begins with in whole segments', async () => {
    expect(await answeredBy('{ pathPrefix: /v1 }', ['/v1'], ['/v1/x?y'], ['/v10'], ['/x/v1'])).toEqual([
      'other',
      'other',
      'main',
      'main',
    ])
  })

  test('pathTemplate: has names for one segment each, or for all that follow', async () => {
    expect(
      await answeredBy(
        '{ pathTemplate: "/orders/{id}/items" }',
        ['/orders/7/items'],
        ['/orders/7'],
        ['/orders/7/8/items'],
      ),
    ).toEqual(['other', 'main', 'main'])
    expect(await answeredBy('{ pathTemplate: "/files/{rest...}" }', ['/files/a/b'], ['/files'])).toEqual([
      'other',
      'main',
    ])
  })

  test('method: is one of those that are listed', async () => {
    expect(
      await answeredBy('{ method: [POST, DELETE] }', ['/', { method: 'POST' }], ['/', { method: 'DELETE' }], ['/']),
    ).toEqual(['other', 'other', 'main'])
  })

  test('header: has a value, any value, or is not there', async () => {
    const canary = (value: string) => ['/', { headers: { 'X-Canary': value } }] as const
    expect(await answeredBy('{ header: { x-canary: ["yes", always] } }', canary('yes'), canary('no'), ['/'])).toEqual([
      'other',
      'main',
      'main',
    ])
    expect(await answeredBy('{ header: { x-canary: true } }', canary('no'), ['/'])).toEqual(['other', 'main'])
    expect(await answeredBy('{ header: { x-canary: false } }', canary('no'), ['/'])).toEqual(['main', 'other'])
  })

  test('query: has a parameter with a value, with any, or has none', async () => {
    expect(await answeredBy('{ query: { v: ["2", a b] } }', ['/?v=2'], ['/?u=1&v=a%20b'], ['/?v=3'], ['/'])).toEqual([
      'other',
      'other',
      'main',
      'main',
    ])
    expect(await answeredBy('{ query: { v: true } }', ['/?v'], ['/?w'])).toEqual(['other', 'main'])
    expect(await answeredBy('{ query: { v: false } }', ['/?v'], ['/?w'])).toEqual(['main', 'other'])
  })
})

describe('options of filter http-route rules.0.split.0', () => {
  test('upstream, weight: each gets its share of the requests; without weights the same', async () => {
    const heavy = await startRules(
      '{ name: a, split: [{ upstream: OTHER, weight: 3 }, { upstream: OTHER, weight: 0.001 }] }',
    )
    expect(tally(await askTimes(heavy, 20))).toEqual({ other: 20 })
    const [one, two] = [await serveWeb('one'), await serveWeb('two')]
    const shares = async (split: string): Promise<number> => {
      const proxy = await routeTo(one.port, `rules: [{ name: a, split: [${split}] }]`)
      return tally(await askTimes(proxy, 200))['two'] ?? 0
    }
    // Further from the mean than six standard deviations.
    const even = await shares(`{ upstream: '${one.address}' }, { upstream: '${two.address}' }`)
    expect(Math.abs(even - 100)).toBeLessThan(43)
    const ninth = await shares(`{ upstream: '${one.address}', weight: 9 }, { upstream: '${two.address}', weight: 1 }`)
    expect(ninth).toBeLessThan(46)
    expect(ninth).toBeGreaterThan(0)
  })
})

describe('options of filter http-route rules.0.redirect', () => {
  test('location: is made of host, path and query of the request; no server is asked', async () => {
    const proxy = await startRules("{ name: secure, redirect: { location: 'https://{host}{path}{query}' } }")
    const answer = await ask(proxy, '/a/b?c=d', host('shop.example:8080'))
    expect(answer.headers.location).toBe('https://shop.example/a/b?c=d')
    expect(proxy.main.asked).toEqual([])
  })

  test('status: is 308 by default, or another that redirects', async () => {
    const proxy = await startRules(
      '{ name: see, match: { path: /see }, redirect: { status: 303, location: /seen } }, { name: all, redirect: { location: /x } }',
    )
    expect((await ask(proxy, '/see')).status).toBe(303)
    expect((await ask(proxy, '/')).status).toBe(308)
  })

  const programs = needPrograms('curl')
  test.skipIf(programs.areMissing)(
    `location, status: curl follows, with the same method where it is kept${programs.why}`,
    async () => {
      const proxy = await startRules(
        "{ name: moved, match: { path: /old }, redirect: { status: 307, location: '/new{query}' } }",
      )
      const url = `http://127.0.0.1:${proxy.port}/old?a=b`
      const { stdout } = await runProgram('curl', ['--silent', '--location', '--data', 'x=1', url])
      expect(stdout).toBe('main')
      expect(proxy.main.asked).toMatchObject([{ method: 'POST', target: '/new?a=b' }])
    },
  )
})

describe('options of filter http-route rules.0.respond', () => {
  test('status, body, contentType: are the answer, and no server is asked', async () => {
    const proxy = await startRules(
      `{ name: json, match: { path: /json }, respond: { status: 403, body: '{"no":"é"}', contentType: application/json } },
       { name: text, match: { path: /text }, respond: { status: 200, body: ok } },
       { name: empty, respond: { status: 503 } }`,
    )
    const json = await ask(proxy, '/json')
    expect(json).toMatchObject({ status: 403, body: '{"no":"é"}' })
    expect(json.headers).toMatchObject({ 'content-type': 'application/json', 'content-length': '11' })
    const text = await ask(proxy, '/text')
    expect(text).toMatchObject({ status: 200, body: 'ok' })
    expect(text.headers['content-type']).toBe('text/plain; charset=utf-8')
    const empty = await ask(proxy, '/')
    expect(empty).toMatchObject({ status: 503, body: '' })
    expect(empty.headers).not.toHaveProperty('content-type')
    expect(proxy.main.asked).toEqual([])
  })
})

describe('options of filter http-route rules.0.rewrite', () => {
  test('host: is the Host that the server is asked for; without it, the one that came', async () => {
    const proxy = await startRules('{ name: a, match: { path: /a }, rewrite: { host: "inner.example:81" } }')
    await ask(proxy, '/a', host('shop.example'))
    await ask(proxy, '/b', host('shop.example'))
    expect(proxy.main.asked.map(({ headers }) => headers.host)).toEqual(['inner.example:81', 'shop.example'])
  })

  test('prefix: stands in place of what pathPrefix has matched; without it, the target is as it came', async () => {
    const proxy = await startRules(
      `{ name: api, match: { pathPrefix: /api }, rewrite: { prefix: /v2 } },
       { name: root, match: { pathPrefix: /static/ }, rewrite: { prefix: / } },
       { name: kept, match: { pathPrefix: /kept } }`,
    )
    for (const target of ['/api', '/api/x?y=1', '/static/a.css', '/kept/x']) await ask(proxy, target)
    expect(proxy.main.asked.map(({ target }) => target)).toEqual(['/v2', '/v2/x?y=1', '/a.css', '/kept/x'])
  })
})

describe('options of filter http-route rules.0.requestHeaders', () => {
  test('set, add, remove: change what the server is told', async () => {
    const proxy = await startRules(
      '{ name: a, requestHeaders: { set: { x-user: us }, add: { x-tag: ours }, remove: [cookie] } }',
    )
    await ask(proxy, '/', { headers: { 'X-User': ['them', 'again'], 'X-Tag': 'theirs', Cookie: 'a=b', 'X-Kept': '1' } })
    const [asked] = proxy.main.asked
    expect(asked!.headers).toMatchObject({ 'x-user': 'us', 'x-tag': 'theirs, ours', 'x-kept': '1' })
    expect(asked!.headers).not.toHaveProperty('cookie')
  })
})

describe('options of filter http-route rules.0.responseHeaders', () => {
  test('set, add, remove: change what the client is told', async () => {
    const main = await serveWeb('main', (_request, response) => {
      response.setHeader('server', 'main').setHeader('x-powered-by', 'node').setHeader('x-tag', 'theirs').end()
    })
    const edits = '{ set: { server: hidden }, add: { x-tag: ours }, remove: [X-Powered-By] }'
    const proxy = await routeTo(main.port, `rules: [{ name: a, match: { path: /a }, responseHeaders: ${edits} }]`)
    const { headers } = await ask(proxy, '/a')
    expect(headers).toMatchObject({ server: 'hidden', 'x-tag': 'theirs, ours' })
    expect(headers).not.toHaveProperty('x-powered-by')
    expect((await ask(proxy, '/b')).headers).toMatchObject({
      server: 'main',
      'x-tag': 'theirs',
      'x-powered-by': 'node',
    })
  })
})
