import { describe, expect, test } from 'vitest'
import { packageVersion } from '../../src/cli/package-version.js'
import { SpawnedSluice } from './spawned-sluice.js'

describe('sluice', () => {
  test('prints its version', async () => {
    const sluice = new SpawnedSluice(['--version'])
    expect(await sluice.ended).toBe(0)
    expect(sluice.written).toEqual({ stdout: `${packageVersion()}\n`, stderr: '' })
  })

  test.for([
    'run',
    'proxy',
    'check',
    'validate',
    'schema',
    'quickstart',
    'new',
    'explain',
    'sniff',
    'intercept',
    'doctor',
  ])('prints the help of %s on standard output', async (command) => {
    const sluice = new SpawnedSluice([command, '--help'])
    expect(await sluice.ended).toBe(0)
    expect(sluice.written.stdout).toContain('Usage: sluice ')
    expect(sluice.written.stderr).toBe('')
  })

  test.for([[[]], [['nothing-of-the-kind']], [['run', '--nothing-of-the-kind']]] as const)(
    'exits with 2 on %j, and says it on standard error',
    async ([args]) => {
      const sluice = new SpawnedSluice(args)
      expect(await sluice.ended).toBe(2)
      expect(sluice.written.stdout).toBe('')
      expect(sluice.written.stderr).not.toBe('')
    },
  )

  test('ends quietly when its reader has seen enough', async () => {
    const sluice = new SpawnedSluice(['schema'])
    sluice.process.stdout!.destroy()
    expect(await sluice.ended).toBe(0)
    expect(sluice.written.stderr).toBe('')
  })
})
