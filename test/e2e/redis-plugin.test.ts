import { describe, expect, onTestFinished, test } from 'vitest'
import redis from '../../examples/redis-sniffer/src/index.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { startRedis } from '../support/servers/redis.js'
import { startSluice } from '../support/start-sluice.js'

const programs = needPrograms('redis-server', 'redis-cli (redis-tools)')

describe.skipIf(programs.areMissing)(`the plugin of examples/redis-sniffer${programs.why}`, () => {
  test('names what redis-cli speaks to a real server', async () => {
    const server = await startRedis()
    onTestFinished(() => server.stop())
    const listener = { name: 'odd-port', address: '127.0.0.1:0', destination: `127.0.0.1:${server.port}` }
    const sluice = await startSluice({ plugins: [redis], listeners: [listener] })
    const closed = sluice.nextClose()
    const cli = await runProgram('redis-cli', ['-p', String(sluice.address().port), 'set', 'key', 'value'])
    expect(cli.stdout).toBe('OK\n')
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'redis', decidedBy: 'client' })
    expect(sluice.metric('sluice_detect_total', { protocol: 'redis' })).toBe(1)
  })
})
