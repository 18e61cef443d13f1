import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { needPrograms, programPath } from './need-programs.js'

/** As if CI had this value, until the test is over. */
function stubCi(value: string | undefined): void {
  vi.stubEnv('CI', value)
  onTestFinished(() => void vi.unstubAllEnvs())
}

describe('programs that a test needs', () => {
  test('that are there do not skip anything', () => {
    stubCi('true')
    expect(needPrograms('sh (dash)')).toEqual({ areMissing: false, why: '' })
    expect(programPath('sh')).toMatch(/\/sh$/)
  })

  test('that are missing are an error in CI', () => {
    stubCi('true')
    expect(() => needPrograms('sh', 'no-such-program (no-such-package)')).toThrow(
      'not installed: no-such-program (no-such-package)',
    )
  })

  test('that are missing elsewhere skip the test, which says so in its title and on the console', () => {
    stubCi(undefined)
    const log = vi.spyOn(console, 'log').mockImplementation(() => {})
    onTestFinished(() => log.mockRestore())
    expect(needPrograms('no-such-program')).toEqual({
      areMissing: true,
      why: ' [skipped: not installed: no-such-program]',
    })
    expect(log).toHaveBeenCalledWith('skipped, not installed: no-such-program')
  })
})
