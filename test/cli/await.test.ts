import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Command } from 'commander'
import { expect, onTestFinished, test } from 'vitest'
import { defineAwait } from '../../src/cli/await.js'
import { exitCodeOf } from '../../src/cli/exit-code.js'
import { freePort } from '../support/free-port.js'
import { startSluice } from '../support/start-sluice.js'

async function run(...args: string[]) {
  const result = { stderr: '', code: undefined as number | undefined }
  const io = {
    stdout: { write: (text: string) => expect.unreachable(text) },
    stderr: { write: (text: string) => (result.stderr += text) },
    setExitCode: (code: number) => (result.code = code),
  }
  const program = new Command().exitOverride().configureOutput({ writeErr: (text) => (result.stderr += text) })
  defineAwait(program.command('await'), io)
  try {
    await program.parseAsync(['await', ...args], { from: 'user' })
  } catch (error) {
    result.code = exitCodeOf(error, io)
  }
  return result
}

test('returns when Sluice is ready', async () => {
  const sluice = await startSluice({
    admin: { address: '127.0.0.1:0' },
    listeners: [{ name: 'in', address: '127.0.0.1:0', destination: '127.0.0.1:9' }],
  })
  const admin = `127.0.0.1:${sluice.adminAddress!.port}`
  expect(await run('--admin', admin)).toEqual({ stderr: '', code: 0 })
  expect(await run('--admin', `http://${admin}`)).toEqual({ stderr: '', code: 0 })
})

test('asks until the answer is yes', async () => {
  let asked = 0
  const server = createServer((request, response) => {
    expect(request.url).toBe('/ready')
    asked += 1
    response.writeHead(asked < 4 ? 503 : 200).end('not ready\n')
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => void server.close())
  expect(await run('--admin', `127.0.0.1:${(server.address() as AddressInfo).port}`)).toEqual({ stderr: '', code: 0 })
  expect(asked).toBe(4)
})

test('gives up when the time is over, and says what the last answer was', async () => {
  const port = await freePort()
  const { code, stderr } = await run('--admin', `127.0.0.1:${port}`, '--timeout', '300ms')
  expect(code).toBe(1)
  expect(stderr).toContain(`http://127.0.0.1:${port}/ready was not ready in time: `)
  expect(stderr).toContain('ECONNREFUSED')
})

test.each([
  ['--timeout', 'soon'],
  ['--admin', 'http://'],
])('%s %s is a usage error', async (...args) => {
  const { code, stderr } = await run(...args)
  expect(code).toBe(2)
  expect(stderr).toContain(args[1])
})
