import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import type { DnsConfig } from '../../src/core/config/config.js'
import { silentLog } from '../../src/core/log.js'
import { ConfiguredSources } from '../../src/discovery/configured-sources.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { a, serveDns, zoneOf } from '../support/dns-server.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { until } from '../support/until.js'

test('names are looked for as resolv.conf says now, also where nothing has failed', async () => {
  const server = await serveDns(zoneOf(a('shop.one.test', '10.0.0.1', 10), a('shop.two.test', '10.0.0.2', 10)))
  const folder = await temporaryFolder('resolv-conf')
  onTestFinished(() => folder.remove())
  const resolvConf = join(folder.path, 'resolv.conf')
  await writeFile(resolvConf, 'search one.test\noptions ndots:5\n')
  const clock = new AnnouncingClock()
  const dns: DnsConfig = {
    servers: [server],
    search: undefined,
    ndots: undefined,
    timeoutMs: undefined,
    attempts: undefined,
    minTtlMs: 1_000,
    maxTtlMs: 10_000,
    holdMs: 30_000,
  }
  const share = { weight: undefined, maxConnections: undefined }
  const sources = new ConfiguredSources(clock, silentLog, resolvConf)
  const source = sources.make({ kind: 'dns', name: 'shop', port: 80, ...share }, dns)
  onTestFinished(() => source.stop())
  const hosts: string[] = []
  await source.start((endpoints) => void hosts.push(...endpoints.map(({ host }) => host)))
  await writeFile(resolvConf, 'search two.test\noptions ndots:5\n')
  // A tenth later at most, so that many do not ask at once.
  clock.advance(11_000)
  await until(() => hosts.length === 2)
  expect(hosts).toEqual(['10.0.0.1', '10.0.0.2'])
})
