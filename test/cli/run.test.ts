import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { once } from 'node:events'
import { type AddressInfo, connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SpawnedSluice } from './spawned-sluice.js'
import { connected, get, webOrigin, whenClosed } from './test-origin.js'

/** A folder with a `sluice.yaml`, gone when the test is over. */
function folderWith(yaml: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-run-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'sluice.yaml'), yaml)
  return folder
}

const DIST = new URL('../../dist/', import.meta.url).href

/** A plugin that brings a transport of its own. */
const OWN_TRANSPORT = `
import { NodeTransport } from '${DIST}core/node-transport.js'
import { TRANSPORT } from '${DIST}core/tokens.js'
import { noTransparentSockets } from '${DIST}core/transparent-sockets.js'

const create = () => new NodeTransport({ transparentSockets: noTransparentSockets })
export default { name: 'own-transport', apiVersion: 1, providers: [{ token: TRANSPORT, create }] }
`

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

/** Connects again and again until somebody accepts, then ends that connection. */
async function untilAccepts(port: number): Promise<void> {
  const isAccepted = await new Promise<boolean>((resolve) => {
    const socket = connect(port, '127.0.0.1', () => resolve(true)).on('error', () => resolve(false))
    socket.end()
  })
  if (!isAccepted) await untilAccepts(port)
}

function listenerTo(port: number): string {
  return `listeners:\n  - name: web\n    address: 127.0.0.1:0\n    limits: { maxConnections: 100 }\n    destination: 127.0.0.1:${port}\n`
}

describe('sluice run', () => {
  test('finds sluice.yaml where it is started, and writes nothing on standard output unless asked', async () => {
    const sluice = new SpawnedSluice(['run'], { cwd: folderWith(listenerTo(await webOrigin())) })
    expect(await get(await sluice.port('web'))).toBe('hello')
    sluice.process.kill('SIGTERM')
    expect(await sluice.ended).toBe(0)
    expect(sluice.written.stdout).toBe('')
    expect(sluice.json('stderr').find(({ msg }) => msg === 'ready')).toMatchObject({
      level: 'info',
      runs: 'sluice.yaml',
      pid: sluice.process.pid,
    })
  })

  test('names the transport that serves when it is ready', async () => {
    const yaml = listenerTo(await webOrigin())
    const byDefault = new SpawnedSluice(['run'], { cwd: folderWith(yaml), env: { SLUICE_TRANSPORT: 'node' } })
    const cwd = folderWith(`plugins: [./own-transport.mjs]\n${yaml}`)
    writeFileSync(join(cwd, 'own-transport.mjs'), OWN_TRANSPORT)
    const byPlugin = new SpawnedSluice(['run'], { cwd, env: { SLUICE_TRANSPORT: 'node' } })
    expect(await get(await byPlugin.port('web'))).toBe('hello')
    for (const sluice of [byDefault, byPlugin]) await sluice.sees('stderr', /"msg":"ready"/)
    const named = [byDefault, byPlugin].map((sluice) => sluice.json('stderr').find(({ msg }) => msg === 'ready'))
    expect(named.map((line) => line?.['transport'])).toEqual(['node', 'custom'])
  })

  test('writes the access log where the configuration asks for it', async () => {
    const cwd = folderWith(`accessLog: true\n${listenerTo(await webOrigin())}`)
    const sluice = new SpawnedSluice(['run', '-c', 'sluice.yaml'], { cwd })
    await get(await sluice.port('web'))
    await sluice.sees('stdout', /"msg":"closed","listener":"web"/)
    expect(sluice.json('stdout')).toHaveLength(1)
  })

  test('says a denied connection in one line, at once', async () => {
    const cwd = folderWith(
      `accessLog: true\nlisteners:\n  - { name: none, address: "127.0.0.1:0", limits: { maxConnections: 9 }, filters: [detect, tcp-forward: { routes: [{ name: tls, match: { protocol: tls }, destination: "127.0.0.1:1" }] }] }\n`,
    )
    const sluice = new SpawnedSluice(['run', '--log-format', 'pretty'], { cwd })
    const [, port] = await sluice.sees('stderr', / {2}none +127\.0\.0\.1:(\d+) +1 route: tls +detect > tcp-forward\n/)
    const client = await connected(Number(port))
    client.write('\x00\x00 no protocol at all\r\n')
    await whenClosed(client)
    await sluice.sees('stdout', /denied by tcp-forward: no-route\n/)
    sluice.process.kill('SIGTERM')
    expect(await sluice.ended).toBe(0)
    expect(sluice.written.stdout.trim().split('\n')).toHaveLength(1)
    expect(sluice.written.stderr).toContain('stopped: 1 connection, 1 denied, 0 cut.\n')
  })

  test('logs from the level on that the configuration asks for, unless the command line does', async () => {
    const cwd = folderWith(
      `admin: { address: "127.0.0.1:0" }\nlog: { level: error }\naccessLog: true\n${listenerTo(await webOrigin())}`,
    )
    const loud = new SpawnedSluice(['run', '--log-level', 'info'], { cwd })
    await get(await loud.port('web'))
    const port = await freePort()
    const quietConfig = folderWith(
      `log: { level: error }\naccessLog: true\n${listenerTo(await webOrigin())}`.replace(
        '127.0.0.1:0',
        `127.0.0.1:${port}`,
      ),
    )
    const quiet = new SpawnedSluice(['run'], { cwd: quietConfig })
    await untilAccepts(port)
    await quiet.sees('stdout', /"msg":"closed"/)
    quiet.process.kill('SIGTERM')
    expect(await quiet.ended).toBe(0)
    expect(quiet.written.stderr).toBe('')
  })

  test('prints all errors of a configuration as check does, and exits with 1', async () => {
    const cwd = folderWith('listeners:\n  - { address: x, destination: "127.0.0.1:1", filtres: [] }\n')
    const run = new SpawnedSluice(['run'], { cwd })
    const check = new SpawnedSluice(['check', 'sluice.yaml'], { cwd })
    expect(await run.ended).toBe(1)
    expect(await check.ended).toBe(1)
    expect(run.written.stdout).toBe('')
    const errors = (text: string): string[] => text.split('\n').filter((line) => !line.includes('  warning  '))
    expect(errors(run.written.stderr)).toEqual(errors(check.written.stdout))
    expect(run.written.stderr).toContain('2 errors in sluice.yaml. Nothing was started.\n')
  })

  test('exits with 2 where there is no configuration, and says what to do', async () => {
    const named = new SpawnedSluice(['run', '-c', 'nowhere.yaml'])
    expect(await named.ended).toBe(2)
    expect(named.written).toEqual({ stdout: '', stderr: 'sluice: cannot read nowhere.yaml: there is no such file\n' })
    const folder = folderWith('')
    rmSync(join(folder, 'sluice.yaml'))
    const unnamed = new SpawnedSluice(['run'], { cwd: folder })
    expect(await unnamed.ended).toBe(2)
    expect(unnamed.written.stderr).toContain('-c FILE')
  })

  test('logs an error that nobody caught with its stack, and exits with 1', async () => {
    const folder = folderWith(listenerTo(await webOrigin()))
    writeFileSync(
      join(folder, 'bug.mjs'),
      "process.on('SIGUSR2', () => void Promise.reject(new Error('a bug of the test')))\n",
    )
    const sluice = new SpawnedSluice(['run'], {
      cwd: folder,
      env: { NODE_OPTIONS: `--import=${join(folder, 'bug.mjs')}` },
    })
    await sluice.port('web')
    sluice.process.kill('SIGUSR2')
    expect(await sluice.ended).toBe(1)
    expect(sluice.json('stderr').at(-1)).toMatchObject({
      level: 'error',
      msg: 'a bug ended sluice',
      err: { message: 'a bug of the test', stack: expect.stringContaining('bug.mjs') as string },
    })
  })
})
