import { describe, expect, test } from 'vitest'
import { candidates, parseResolvConf } from '../../src/discovery/resolv-conf.js'

describe('parseResolvConf', () => {
  test('reads what a pod has', () => {
    const text = `search shop.svc.cluster.local svc.cluster.local cluster.local.
nameserver 10.96.0.10
options ndots:5
`
    expect(parseResolvConf(text)).toEqual({
      servers: [{ host: '10.96.0.10', port: 53 }],
      search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'],
      ndots: 5,
      timeoutMs: 5_000,
      attempts: 2,
    })
  })

  test('an empty one asks this machine', () => {
    expect(parseResolvConf('')).toEqual({
      servers: [{ host: '127.0.0.1', port: 53 }],
      search: [],
      ndots: 1,
      timeoutMs: 5_000,
      attempts: 2,
    })
  })

  test('passes over comments, what it does not know and what is no address', () => {
    const text =
      '# nameserver 1.1.1.1\n;search a\nnameserver nobody\nnameserver fd00::53\nsortlist 1.2.3.4\noptions rotate ndots:x\n'
    expect(parseResolvConf(text)).toMatchObject({ servers: [{ host: 'fd00::53', port: 53 }], search: [], ndots: 1 })
  })

  test('the last of domain and search holds', () => {
    expect(parseResolvConf('search a.test b.test\ndomain c.test\n').search).toEqual(['c.test'])
    expect(parseResolvConf('domain c.test\nsearch a.test b.test\n').search).toEqual(['a.test', 'b.test'])
  })

  test('keeps to the bounds of resolv.conf(5)', () => {
    const servers = [1, 2, 3, 4].map((last) => `nameserver 10.0.0.${last}\n`).join('')
    const read = parseResolvConf(`${servers}options ndots:99 timeout:99 attempts:99\n`)
    expect(read).toMatchObject({ ndots: 15, timeoutMs: 30_000, attempts: 5 })
    expect(read.servers.map(({ host }) => host)).toEqual(['10.0.0.1', '10.0.0.2', '10.0.0.3'])
    expect(parseResolvConf('options timeout:0 attempts:0\n')).toMatchObject({ timeoutMs: 1_000, attempts: 1 })
  })
})

describe('candidates', () => {
  const pod = { search: ['shop.svc.cluster.local', 'svc.cluster.local', 'cluster.local'], ndots: 5 }

  test('a name with fewer dots than ndots goes through the search list first', () => {
    expect(candidates('api.shop', pod)).toEqual([
      'api.shop.shop.svc.cluster.local',
      'api.shop.svc.cluster.local',
      'api.shop.cluster.local',
      'api.shop',
    ])
  })

  test('one with as many is tried as it is first', () => {
    const [first, ...rest] = candidates('_http._tcp.api.shop.svc.cluster.local', pod)
    expect(first).toBe('_http._tcp.api.shop.svc.cluster.local')
    expect(rest).toHaveLength(3)
    expect(candidates('a.b.c.d.e.f', pod)[0]).toBe('a.b.c.d.e.f')
    expect(candidates('a.b.c.d.e', pod)[0]).toBe('a.b.c.d.e.shop.svc.cluster.local')
  })

  test('with a dot at the end it is absolute', () => {
    expect(candidates('api.shop.', pod)).toEqual(['api.shop'])
  })
})
