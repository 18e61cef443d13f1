import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import type { RequestRecord } from '../../../src/http/request-record.js'
import { answering } from '../../support/answering.js'
import { startRouted } from '../../support/routed.js'
import { type Peer, serve } from '../../support/sockets.js'
import { until } from '../../support/until.js'

const OK = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'

describe('a length where there is no content', () => {
  test('is left out of interim responses and of a 204', async () => {
    const server = await serve(
      answering(
        'HTTP/1.1 103 Early Hints\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\nLink: </a>\r\n\r\n' +
          'HTTP/1.1 204 No Content\r\nContent-Length: 0\r\n\r\n',
      ),
    )
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await client.hears('204 No Content\r\n\r\n')).toBe(
      'HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n',
    )
  })

  test.each(['Content-Length: 5\r\nTransfer-Encoding: chunked\r\n', 'Transfer-Encoding: gzip\r\n'])(
    'is left out of a 2xx to CONNECT, and means nothing: %j',
    async (fields) => {
      const server = await serve((peer) => {
        peer.socket.once('data', () => peer.send(`HTTP/1.1 200 Yes\r\n${fields}X: y\r\n\r\ntunnel`))
      })
      const routed = await startRouted(server.port)
      const client = await routed.client()
      client.send('CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n')
      expect(await client.hears('tunnel')).toBe('HTTP/1.1 200 Yes\r\nX: y\r\n\r\ntunnel')
      client.send('through')
      await server.peers[0]!.hears('through')
    },
  )

  test('is left out of a 101, and the tunnel is one', async () => {
    const server = await serve((peer) => {
      peer.socket.once('data', () =>
        peer.send('HTTP/1.1 101 Switching\r\nContent-Length: 5\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\ntunnel'),
      )
    })
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n')
    expect(await client.hears('tunnel')).toBe(
      'HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\ntunnel',
    )
  })

  test('stays in the answers to HEAD and in a 304', async () => {
    const head = 'HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n'
    const old = 'HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n'
    const server = await serve(answering(head, old))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('HEAD / HTTP/1.1\r\nHost: a\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await client.hears('304 Not Modified\r\nContent-Length: 9\r\n\r\n')).toBe(head + old)
  })
})

describe('what a 426 says of the protocol that is wanted', () => {
  const wanted = 'HTTP/1.1 426 Upgrade Required\r\nUpgrade: chat\r\nConnection: Upgrade\r\nContent-Length: 2\r\n\r\nno'

  test('is passed on, as an option of the connection', async () => {
    const server = await serve(answering(wanted))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    const rest = 'Content-Length: 2\r\nConnection: upgrade\r\n\r\nno'
    expect(await client.hears('no')).toBe(`HTTP/1.1 426 Upgrade Required\r\nUpgrade: chat\r\n${rest}`)
    client.send('GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n')
    await client.ended()
    expect(client.text.slice(client.text.indexOf('no') + 2)).toBe(
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: chat\r\nContent-Length: 2\r\nConnection: close, upgrade\r\n\r\nno',
    )
  })

  test('is not told to HTTP/1.0, which cannot change protocols; other responses never say it', async () => {
    const server = await serve(answering(wanted, wanted.replace('426', '200')))
    const routed = await startRouted(server.port)
    const old = await routed.client()
    old.send('GET / HTTP/1.0\r\n\r\n')
    await old.ended()
    expect(old.text).toBe('HTTP/1.1 426 Upgrade Required\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno')
    const client = await routed.client()
    client.send('GET / HTTP/1.1\r\nHost: a\r\n\r\n')
    expect(await client.hears('no')).toBe('HTTP/1.1 200 Upgrade Required\r\nContent-Length: 2\r\n\r\nno')
  })
})

describe('fields about the way', () => {
  /** Those that a server is sent, in its order, with what is made anew left out. */
  async function sent(forwarding: object, head: string): Promise<string> {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port, { options: { forwarding } })
    const client = await routed.client()
    client.send(`${head}\r\n`)
    await client.hears('ok')
    return server.peers[0]!.text.replace(/(?<=request-id: |traceparent: 00-)[0-9a-f-]{36,}/g, 'NEW')
  }

  test('that came empty are set as if they had not come', async () => {
    const empty = 'X-Request-Id:\r\nTraceparent: \r\nX-Forwarded-Proto:\r\nX-Forwarded-For:\r\n'
    const forwarding = { xForwarded: 'append', requestId: true, traceparent: true }
    expect(await sent(forwarding, `GET / HTTP/1.1\r\nHost: a\r\n${empty}`)).toBe(
      'GET / HTTP/1.1\r\nHost: a\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\nx-forwarded-host: a\r\nx-request-id: NEW\r\ntraceparent: 00-NEW\r\n\r\n',
    )
  })

  test('name no host where a request has none', async () => {
    expect(await sent({ xForwarded: 'replace' }, 'GET / HTTP/1.0\r\nX-Forwarded-Host: evil\r\n')).toMatch(
      /^GET \/ HTTP\/1.1\r\nHost: [^\r]+\r\nx-forwarded-for: 127.0.0.1\r\nx-forwarded-proto: http\r\n\r\n$/,
    )
  })
})

describe('trailers', () => {
  const chunked = (startLine: string, trailers: string): string =>
    `${startLine}\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n${trailers}\r\n`

  /** Answers each message of a connection that ends with trailers, or the end of its chunks. */
  function answeringChunked(answer: string): (peer: Peer) => void {
    return (peer) => {
      peer.socket.on('data', () => /\r\n0\r\n(?:[^\r]+\r\n)*\r\n$/.test(peer.text) && peer.send(answer))
    }
  }

  test('lose what a rule removes or sets, both ways', async () => {
    const server = await serve(
      answeringChunked(chunked('HTTP/1.1 200 OK', 'X-Secret: 1\r\nX-Sum: 7\r\nX-Set: old\r\n')),
    )
    const routed = await startRouted(server.port, {
      options: {
        rules: [
          {
            name: 'all',
            requestHeaders: { remove: ['x-user'], set: { 'x-role': 'none' } },
            responseHeaders: { remove: ['x-secret'], set: { 'x-set': 'new' } },
          },
        ],
      },
    })
    const client = await routed.client()
    client.send(chunked('PUT / HTTP/1.1\r\nHost: a', 'X-User: root\r\nX-Sum: 7\r\nX-Role: admin\r\n'))
    await until(() => client.text.endsWith('\r\n\r\n') && client.text.includes('\r\n0\r\n'))
    expect(client.text.slice(client.text.indexOf('\r\n0\r\n'))).toBe('\r\n0\r\nX-Sum: 7\r\n\r\n')
    const { text } = server.peers[0]!
    expect(text.slice(text.indexOf('\r\n0\r\n'))).toBe('\r\n0\r\nX-Sum: 7\r\n\r\n')
  })

  test('lose what is said of the way, where that is replaced', async () => {
    const server = await serve(answeringChunked(OK))
    const routed = await startRouted(server.port, { options: { forwarding: { xForwarded: 'replace' } } })
    const client = await routed.client()
    client.send(chunked('PUT / HTTP/1.1\r\nHost: a', 'X-Forwarded-For: 10.0.0.1\r\nX-Sum: 7\r\n'))
    await client.hears('ok')
    const { text } = server.peers[0]!
    await until(() => server.peers[0]!.text.endsWith('X-Sum: 7\r\n\r\n'))
    expect(text).not.toContain('10.0.0.1')
  })

  test('of the next request are not edited by the rule of the one before', async () => {
    const server = await serve(answeringChunked(OK))
    const routed = await startRouted(server.port, {
      options: { rules: [{ name: 'a', match: { path: '/a' }, requestHeaders: { remove: ['x-sum'] } }] },
    })
    const client = await routed.client()
    client.send(chunked('PUT /a HTTP/1.1\r\nHost: a', 'X-Sum: 7\r\n'))
    await client.hears('ok')
    client.send(chunked('PUT /b HTTP/1.1\r\nHost: a', 'X-Sum: 8\r\n'))
    await until(() => server.peers[0]!.text.endsWith('0\r\nX-Sum: 8\r\n\r\n'))
    expect(server.peers[0]!.text).not.toContain('X-Sum: 7')
  })
})

describe('the host of a request in absolute form', () => {
  async function hostSeen(target: string, host: string): Promise<string | undefined> {
    const server = await serve(answering(OK))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await until(() => /ok$|\n$/.test(client.text))
    if (client.text.includes('400 Bad Request')) return /sluice: ([a-z-]+)/.exec(client.text)![1]
    return /\r\nHost: ([^\r]*)/.exec(server.peers[0]!.text)![1]
  }

  test.each([
    // Written anew from the target: RFC 9112 section 3.2.2.
    ['http://a/', 'a', 'a'],
    ['http://a/', 'A', 'a'],
    ['http://A/', 'a', 'A'],
    ['http://a:80/', 'a', 'a:80'],
    ['http://a/', 'a:80', 'a'],
    ['http://a:/', 'a:80', 'a:'],
    ['https://a/', 'a:443', 'a'],
    ['https://a:443/', 'a', 'a:443'],
    ['HTTPS://a/', 'a:443', 'a'],
    ['http://a:8080/', 'a:8080', 'a:8080'],
    ['http://a/', 'a:443', 'host-conflicts-with-target'],
    ['http://a:443/', 'a', 'host-conflicts-with-target'],
    ['https://a/', 'a:80', 'host-conflicts-with-target'],
    ['https://a:80/', 'a', 'host-conflicts-with-target'],
    ['http://a:80/', 'a:443', 'host-conflicts-with-target'],
    ['http://a/', 'a:8080', 'host-conflicts-with-target'],
    ['http://a/', '', 'host-conflicts-with-target'],
    ['http://a/', 'b', 'host-conflicts-with-target'],
  ])('%s with Host: %s is %s', async (target, host, expected) => {
    expect(await hostSeen(target, host)).toBe(expected)
  })

  test.each([
    ['a:443', 'a:443', true],
    ['a:443', 'A:443', true],
    ['a:443', 'a', true],
    ['a:443', 'a:80', false],
    ['a:443', 'b:443', false],
    ['a:443', '', false],
  ])('of CONNECT %s with Host: %s is one host: %s', async (target, host, isOne) => {
    const server = await serve(answering('HTTP/1.1 200 Yes\r\n\r\n'))
    const routed = await startRouted(server.port)
    const client = await routed.client()
    client.send(`CONNECT ${target} HTTP/1.1\r\nHost: ${host}\r\n\r\n`)
    await client.hears('\r\n\r\n')
    expect(client.text).toMatch(isOne ? /^HTTP\/1.1 200 / : /^HTTP\/1.1 400 /)
  })
})

test.each([
  [
    'GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n',
    'host-conflicts-with-target: the request has a target that names another',
  ],
  ['GET / HTTP/1.1\r\nHost: a\r\nX-A : b\r\n\r\n', 'space-before-colon: the request has a blank before the colon'],
  [
    'POST / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n',
    'invalid-content-length: the request has a Content-Length that',
  ],
])('a refusal says in words what is wrong: %j', async (request, words) => {
  const routed = await startRouted((await serve()).port)
  const client = await routed.client()
  client.send(request)
  await client.ended()
  expect(client.text).toContain(`\r\n\r\nsluice: ${words}`)
})

test('a head that is refused before it is complete has a record, and is no request', async () => {
  const routed = await startRouted((await serve()).port)
  const records: RequestRecord[] = []
  routed.sluice.on('request', (record) => void records.push(record))
  const client = await routed.client()
  client.send('GET / HTTP/1.1\r\nX-A : b\r\n\r\n')
  await client.ended()
  const server = client.text.length - client.text.indexOf('\r\n\r\n') - 4
  const refused = { status: 400, refused: 'space-before-colon', method: '', target: '', authority: '' }
  expect(records).toMatchObject([{ ...refused, bytes: { client: 0, server }, classification: 'success' }])
  expect(routed.sluice.metric('request_total')).toBe(0)
  expect(routed.sluice.metric('response_total')).toBe(0)
  expect(routed.sluice.metric('sluice_http_requests_in_flight')).toBe(0)
})
