import { describe, expect, onTestFinished, test } from 'vitest'
import gearman from '../../examples/gearman-sniffer/src/index.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { startGearmand } from '../support/servers/gearmand.js'
import { startSluice } from '../support/start-sluice.js'

const programs = needPrograms('gearmand (gearman-job-server)', 'gearman (gearman-tools)')

describe.skipIf(programs.areMissing)(`the plugin of examples/gearman-sniffer${programs.why}`, () => {
  test('names what gearman speaks to a real server', async () => {
    const server = await startGearmand()
    onTestFinished(() => server.stop())
    const listener = { name: 'odd-port', address: '127.0.0.1:0', destination: `127.0.0.1:${server.port}` }
    const sluice = await startSluice({ plugins: [gearman], listeners: [listener] })
    const closed = sluice.nextClose()
    const port = String(sluice.address().port)
    const client = await runProgram('gearman', ['-h', '127.0.0.1', '-p', port, '-b', '-f', 'reverse', 'hello'])
    expect(client.code).toBe(0)
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'gearman', decidedBy: 'client' })
    expect(sluice.metric('sluice_detect_total', { protocol: 'gearman' })).toBe(1)
  })
})
