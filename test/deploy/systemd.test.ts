import { readFileSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadConfig } from '../../src/core/config/load-config.js'
import { registry } from '../kubernetes/test-context.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const programs = needPrograms('systemd-analyze (systemd)')
const FOLDER = new URL('../../deploy/systemd/', import.meta.url)
const UNITS = ['sluice.socket', 'sluice.service']

/** Settings of a unit, by section and name; of several of one name the last. */
function settingsOf(unit: string): Map<string, string> {
  let section = ''
  const settings = new Map<string, string>()
  for (const line of readFileSync(new URL(unit, FOLDER), 'utf8').split('\n')) {
    section = /^\[(\w+)\]$/.exec(line)?.[1] ?? section
    const [, name, value] = /^(\w+)=(.*)$/.exec(line) ?? []
    if (name !== undefined) settings.set(`${section}.${name}`, value!)
  }
  return settings
}

describe('deploy/systemd', () => {
  test.skipIf(programs.areMissing)(`units are valid, by systemd itself${programs.why}`, async () => {
    const folder = await temporaryFolder('systemd')
    onTestFinished(() => folder.remove())
    for (const unit of UNITS) await copyFile(new URL(unit, FOLDER), join(folder.path, unit))
    const verify = (...names: string[]) =>
      runProgram('systemd-analyze', ['verify', '--man=no', ...names.map((name) => join(folder.path, name))])
    expect(await verify(...UNITS)).toEqual({ code: 0, stdout: '', stderr: '' })
  })

  test('the socket starts the service, which cannot do more than it needs to', () => {
    const [socket, service] = UNITS.map(settingsOf)
    expect(socket!.get('Socket.Service')).toBe('sluice.service')
    expect(service!.get('Unit.Requires')).toBe('sluice.socket')
    expect(service!.get('Service.CapabilityBoundingSet')).toBe('')
    expect(service!.get('Service.User')).toBe('sluice')
  })

  test('the configuration listens on what the socket hands over, and drains within the time that the service has', () => {
    const text = readFileSync(new URL('sluice.yaml', FOLDER), 'utf8')
    expect(text).toContain('address: fd:3\n')
    // Descriptor 3 is there under systemd only.
    const { config, findings } = loadConfig(text.replace('fd:3', '127.0.0.1:0'), registry, { environment: {} })
    expect(findings).toEqual([])
    const { delayMs, graceMs } = config!.drain
    const stopSeconds = Number(settingsOf('sluice.service').get('Service.TimeoutStopSec'))
    expect(delayMs + graceMs).toBeLessThan(stopSeconds * 1_000)
  })
})
