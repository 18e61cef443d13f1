import { once } from 'node:events'
import { connect } from 'node:net'
import { Command } from 'commander'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { defineLearn } from '../../src/cli/learn.js'
import { loadConfig } from '../../src/core/config/load-config.js'
import { registryOf } from '../../src/core/config/registry.js'
import type { CloseSummary } from '../../src/core/close-summary.js'
import { builtIns } from '../../src/plugins/built-ins.js'
import { createSluice, type Sluice } from '../../src/sluice.js'
import { needPrograms } from '../support/need-programs.js'
import { startMariadb } from '../support/servers/mariadb.js'
import { startNats } from '../support/servers/nats.js'
import { startNginx } from '../support/servers/nginx.js'
import { startServers } from '../support/start-server.js'
import { startSluice } from '../support/start-sluice.js'

const CONNECTIONS = 200
const programs = needPrograms('mariadbd (mariadb-server)', 'nats-server', 'nginx')

describe.skipIf(programs.areMissing)(`sluice learn${programs.why}`, () => {
  test('learns from 200 connections to three servers; with what it prints, the next 200 are not looked at', async () => {
    const servers = await startServers(startMariadb, startNats, startNginx)
    onTestFinished(async () => void (await Promise.all(servers.map((server) => server.stop()))))
    const [mariadb, nats, nginx] = servers
    const ports = [mariadb.port, nats.port, nginx.port]
    const listeners = ports.map((port, i) => ({
      name: `l${i}`,
      address: '127.0.0.1:0',
      destination: `127.0.0.1:${port}`,
    }))

    const first = await startSluice({ admin: { address: '127.0.0.1:0' }, listeners })
    const seen = await talk(first)
    expect(seen.filter(({ decidedBy }) => decidedBy === 'port')).toEqual([])
    const { stdout, code } = await learn('--admin', `127.0.0.1:${first.adminAddress!.port}`)
    expect(code).toBe(0)
    expect(stdout).toContain(`${mariadb.port}: mysql`)
    expect(stdout).toContain(`${nats.port}: nats`)
    expect(stdout).toContain(`${nginx.port}: http/1`)

    // What it prints is a list of filters, one for each listener.
    const rest = '\n      - detect\n      - tcp-forward\n'
    const filters = stdout.split(/^(?=# listener)/m).map((part) => part.trimEnd().replace(/^/gm, '      '))
    const yaml = listeners
      .map(
        ({ name, destination }, i) =>
          `  - name: ${name}\n    address: 127.0.0.1:0\n    destination: ${destination}\n    filters:\n${filters[i]}${rest}`,
      )
      .join('')
    const { findings } = loadConfig(`listeners:\n${yaml}`, registryOf([builtIns]), { environment: {} })
    expect(findings).toEqual([])

    const second = await createSluice(parse(`listeners:\n${yaml}`) as never).start()
    onTestFinished(() => second.stop())
    const names = ['mysql', 'nats', 'http/1']
    for (const { listener, outcome, decidedBy, protocol } of await talk(second)) {
      expect({ outcome, decidedBy, protocol }).toEqual({
        outcome: 'detected',
        decidedBy: 'port',
        protocol: names[Number(listener.slice(1))],
      })
    }
    expect(second.metric('sluice_detect_total', { decided_by: 'port' })).toBe(CONNECTIONS)
  })
})

describe('sluice learn, of what it has little to say of,', () => {
  test('says so, and fails', async () => {
    const sluice = await startSluice({
      admin: { address: '127.0.0.1:0' },
      listeners: [{ name: 'in', address: '127.0.0.1:0', filters: ['detect', 'echo'] }],
    })
    const { stdout, stderr, code } = await learn('--admin', `127.0.0.1:${sluice.adminAddress!.port}`)
    expect({ stdout, code }).toEqual({ stdout: '', code: 1 })
    expect(stderr).toMatch(/^nothing learned: /)
  })
})

/** Connects in turn to the listeners: to two whose servers speak first, and to one that is asked. */
async function talk(sluice: Sluice): Promise<CloseSummary[]> {
  const summaries: CloseSummary[] = []
  sluice.on('closed', (summary) => void summaries.push(summary))
  for (let i = 0; i < CONNECTIONS; i++) {
    const name = `l${i % 3}`
    const closed = sluice.nextClose(name)
    const socket = connect(sluice.address(name).port, '127.0.0.1')
    if (name === 'l2') socket.write('GET / HTTP/1.1\r\nHost: a.example\r\n\r\n')
    await once(socket, 'data')
    socket.destroy()
    await closed
  }
  return summaries
}

async function learn(...args: string[]): Promise<{ stdout: string; stderr: string; code: number | undefined }> {
  const result = { stdout: '', stderr: '', code: undefined as number | undefined }
  const program = new Command().exitOverride()
  defineLearn(program.command('learn'), {
    stdout: { write: (text) => (result.stdout += text) },
    stderr: { write: (text) => (result.stderr += text) },
    setExitCode: (code) => (result.code = code),
  })
  await program.parseAsync(['learn', ...args], { from: 'user' })
  return result
}
