import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { temporaryFolder } from '../support/temporary-folder.js'
import { SpawnedSluice } from './spawned-sluice.js'
import { get, webOrigin } from './test-origin.js'

const LISTEN = '127.0.0.1:0'
const COMBINED =
  /^127\.0\.0\.1 - - \[\d\d\/[A-Z][a-z]{2}\/\d{4}:\d\d:\d\d:\d\d \+0000\] "GET \/orders\?id=1 HTTP\/1\.1" 200 5 "-" "[^"]+"$/

async function configured(accessLogs: readonly (string | undefined)[]): Promise<{ file: string }> {
  const origin = await webOrigin()
  const listeners = accessLogs.map((format, i) => ({
    name: `web-${i}`,
    address: LISTEN,
    limits: { maxConnections: 100 },
    destination: `127.0.0.1:${origin}`,
    filters: [
      'detect',
      format === undefined ? 'http-metrics' : { 'http-metrics': { accessLog: format } },
      'tcp-forward',
    ],
  }))
  const folder = await temporaryFolder('access-log')
  onTestFinished(() => folder.remove())
  const file = join(folder.path, 'sluice.yaml')
  writeFileSync(file, JSON.stringify({ listeners }))
  return { file }
}

async function stopped(sluice: SpawnedSluice): Promise<void> {
  sluice.process.kill('SIGTERM')
  expect(await sluice.ended).toBe(0)
}

describe('the access log of requests', () => {
  test('has a line a request, in the format of each listener, and none of listeners that have none', async () => {
    const { file } = await configured(['json', 'combined', undefined])
    const sluice = new SpawnedSluice(['run', '-c', file])
    await get(await sluice.port('web-2'), '/silent')
    await get(await sluice.port('web-0'), '/orders?id=1')
    await sluice.sees('stdout', /\n/)
    await get(await sluice.port('web-1'), '/orders?id=1')
    await sluice.sees('stdout', /\n.*\n/)
    await stopped(sluice)
    const lines = sluice.written.stdout.trimEnd().split('\n')
    expect(lines).toHaveLength(2)
    expect(JSON.parse(lines[0]!)).toMatchObject({
      level: 'info',
      msg: 'request',
      listener: 'web-0',
      protocol: 'http/1',
      version: '1.1',
      method: 'GET',
      target: '/orders?id=1',
      status: 200,
      classification: 'success',
      bytes: { client: 0, server: 5 },
    })
    expect(lines[1]).toMatch(COMBINED)
  })

  test('of sluice proxy is asked for on the command line, and stands beside its connections', async () => {
    const sluice = new SpawnedSluice(['proxy', LISTEN, `127.0.0.1:${await webOrigin()}`, '--access-log', 'combined'])
    await get(await sluice.port(LISTEN), '/orders?id=1')
    await sluice.sees('stdout', /"msg":"closed"/)
    await stopped(sluice)
    const lines = sluice.written.stdout.trimEnd().split('\n')
    expect(lines[0]).toMatch(COMBINED)
    expect(lines.slice(1).map((line) => (JSON.parse(line) as { msg: string }).msg)).toEqual(['closed'])
  })

  test('of sluice proxy is a chain in the file that would do the same', async () => {
    const sluice = new SpawnedSluice(['proxy', LISTEN, '127.0.0.1:1', '--access-log', 'json', '--print-config'])
    expect(await sluice.ended).toBe(0)
    expect(parse(sluice.written.stdout)).toEqual({
      listeners: [
        {
          address: LISTEN,
          destination: '127.0.0.1:1',
          filters: [
            'port-override',
            'detect',
            'tls-passthrough',
            { 'http-metrics': { accessLog: 'json' } },
            'tcp-forward',
          ],
        },
      ],
    })
  })

  test('has no other format', async () => {
    const sluice = new SpawnedSluice(['proxy', LISTEN, '127.0.0.1:1', '--access-log', 'common'])
    expect(await sluice.ended).toBe(2)
    expect(sluice.written.stderr).toContain('json, combined')
  })
})
