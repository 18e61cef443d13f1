import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { inNamespaces, needNamespaces, NetworkNamespace } from '../support/network-namespaces.js'
import { needPrograms } from '../support/need-programs.js'
import { type RunResult, runProgram } from '../support/run-program.js'
import { COMMAND, intercept } from '../support/sidecar.js'
import { sluiceWithoutAddon } from '../support/sluice-without-addon.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const SIDECAR = fileURLToPath(new URL('../../config/sidecar.yaml', import.meta.url))
const setpriv = needPrograms('setpriv (util-linux)')
const namespaces = await needNamespaces()
const isRoot = process.getuid?.() === 0

interface Check {
  readonly name: string
  readonly state: string
  readonly detail: string
  readonly cost: string
  readonly neededBy: readonly string[]
}

function checksOf({ stdout }: RunResult): Record<string, Check> {
  const { checks } = JSON.parse(stdout) as { checks: Check[] }
  return Object.fromEntries(checks.map((check) => [check.name, check]))
}

const doctor = (...args: readonly string[]): Promise<RunResult> =>
  runProgram(process.execPath, [COMMAND, 'doctor', ...args])

/** As a user without any privilege. */
const asNobody = (...args: readonly string[]): Promise<RunResult> =>
  runProgram('setpriv', [
    '--reuid=2102',
    '--regid=2102',
    '--clear-groups',
    process.execPath,
    COMMAND,
    'doctor',
    ...args,
  ])

async function configuration(text: string): Promise<string> {
  const folder = await temporaryFolder('doctor')
  onTestFinished(() => folder.remove())
  await chmod(folder.path, 0o755)
  const path = join(folder.path, 'sluice.yaml')
  await writeFile(path, text)
  return path
}

describe('sluice doctor', () => {
  test('says of each thing what it is, and what it costs where it is missing', async () => {
    const result = await doctor()
    expect(result.code).toBe(0)
    const rows = result.stdout.split('\n').filter((line) => /^(there|missing|unknown)/.test(line))
    const checks = Object.values(checksOf(await doctor('-o', 'json')))
    expect(rows.map((row) => row.slice(0, 7).trim())).toEqual(checks.map(({ state }) => state))
    for (const { name, detail, cost, state } of checks) {
      expect([name, detail !== '' && cost !== '']).toEqual([name, true])
      if (state === 'missing') expect(result.stdout).toContain(`without: ${cost}`)
      else expect(result.stdout).not.toContain(`without: ${cost}`)
    }
    expect(checks.map(({ name }) => name)).toContain('native addon')
  })

  test('fails where the configuration needs what is missing, and names its listeners', async () => {
    const main = await sluiceWithoutAddon()
    const { code, stdout } = await runProgram(process.execPath, [main, 'doctor', '-c', SIDECAR])
    expect(code).toBe(1)
    expect(stdout).toMatch(/^missing {2}native addon +the native addon is not there; compile it with: node /m)
    expect(stdout).toMatch(/^ +needed by: inbound, outbound$/m)
    expect(stdout).toMatch(/needs what is missing: native addon\n$/)
    // Nobody needs it otherwise.
    expect((await runProgram(process.execPath, [main, 'doctor'])).code).toBe(0)
  })

  test('is content where all is there that the configuration needs', async () => {
    const path = await configuration('listeners: [{ address: "127.0.0.1:8080", destination: "127.0.0.1:9" }]\n')
    const { code, stdout } = await doctor('-c', path)
    expect([code, stdout]).toEqual([0, expect.stringMatching(/\nAll that .*sluice\.yaml needs is there\.\n$/)])
  })

  test.runIf(isRoot)('knows what a user without privileges may not' + setpriv.why, async () => {
    const path = await configuration(`
listeners:
  - { name: in, address: ":80", intercept: tproxy, destination: original }
  - { name: passed, address: "fd:3", intercept: tproxy, destination: original }
  - { name: kept, address: "127.0.0.1:8080", destination: "127.0.0.1:9", preserveSource: true }
`)
    const result = await asNobody('-c', path, '-o', 'json')
    expect(result.code).toBe(1)
    const checks = checksOf(result)
    expect(checks['transparent sockets']).toMatchObject({ state: 'missing', neededBy: ['in', 'kept'] })
    expect(checks['transparent sockets']?.detail).toContain('CAP_NET_ADMIN')
    expect(checks['low ports']).toMatchObject({ state: 'missing', neededBy: ['in'] })
    expect(checks['inherited sockets']).toMatchObject({
      state: 'unknown',
      detail: expect.stringContaining('fd:3') as string,
    })
    const asRoot = checksOf(await doctor('-c', path, '-o', 'json'))
    for (const name of ['transparent sockets', 'low ports']) expect(asRoot[name]?.state).toBe('there')
  })

  test('counts a limit of descriptors that somebody asks too much of', async () => {
    const path = await configuration(`
listeners:
  - { name: many, address: "127.0.0.1:8080", destination: "127.0.0.1:9", limits: { maxConnections: 500000 } }
`)
    const command = `ulimit -n 3000; exec "$0" "$1" doctor -c "$2" -o json`
    const result = await runProgram('bash', ['-c', command, process.execPath, COMMAND, path])
    expect(result.code).toBe(1)
    expect(checksOf(result)['enough descriptors']).toMatchObject({
      state: 'missing',
      detail: '3000: 1000 connections a listener',
      neededBy: ['many'],
    })
  })

  test('prints the findings of a configuration with errors, as check does', async () => {
    const path = await configuration('listeners: [{ address: "127.0.0.1:8080", destination: nowhere }]\n')
    const { code, stderr } = await doctor('-c', path)
    expect([code, stderr]).toEqual([1, expect.stringContaining('no upstream "nowhere"')])
    expect((await doctor('-c', '/no/such/file')).code).toBe(2)
  })

  test.skipIf(namespaces.areMissing)('sees the rules of sluice intercept' + namespaces.why, async (context) => {
    inNamespaces(context)
    const place = await NetworkNamespace.make('doctor')
    onTestFinished(() => place.remove())
    const rules = async (): Promise<Check> =>
      checksOf(await place.run(process.execPath, [COMMAND, 'doctor', '-o', 'json']))['rules']!
    expect(await rules()).toMatchObject({ state: 'missing' })
    await intercept(place, '--iptables-mode', 'legacy')
    expect(await rules()).toMatchObject({ state: 'there', detail: '4 rules of "sluice intercept" by iptables-legacy' })
  })
})
