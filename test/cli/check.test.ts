import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Command } from 'commander'
import { describe, expect, onTestFinished, test } from 'vitest'
import { defineCheck } from '../../src/cli/check.js'
import { findConfigFile } from '../../src/cli/find-config-file.js'
import type { CliIo } from '../../src/cli/cli-io.js'
import { loadBuiltIns } from '../../src/cli/load-built-ins.js'

const VALID = 'listeners: [{ address: "127.0.0.1:8080", destination: "127.0.0.1:9090" }]\n'
const WITH_WARNING = `${VALID}upstreams: { old: { endpoints: ["127.0.0.1:1"] } }\n`
const BROKEN = 'listeners:\n  - address: 127.0.0.1:8080\n    destination: wbe\n    timeouts: { idle: 3 minutes }\n'

async function run(...args: string[]) {
  const result = { stdout: '', stderr: '', code: undefined as number | undefined }
  const io: CliIo = {
    stdout: { write: (text) => (result.stdout += text) },
    stderr: { write: (text) => (result.stderr += text) },
    setExitCode: (code) => (result.code = code),
  }
  const program = new Command().exitOverride()
  defineCheck(program.command('check'), io, loadBuiltIns)
  await program.parseAsync(args, { from: 'user' })
  return result
}

function fileWith(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-check-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'sluice.yaml')
  writeFileSync(file, text)
  return file
}

describe('sluice check', () => {
  test('says what a valid file holds, and exits with 0', async () => {
    const file = fileWith(VALID)
    expect(await run('check', file)).toEqual({
      stdout: `${file} is valid: 1 listener, 0 upstreams, 0 plugins\n`,
      stderr: '',
      code: 0,
    })
    expect(await run('check', '-c', file)).toMatchObject({ code: 0 })
  })

  test('lists every error with its place, and exits with 1', async () => {
    const file = fileWith(BROKEN)
    expect(await run('check', file)).toEqual({
      stdout:
        `${file}:3:18  listeners[0].destination           no upstream "wbe", and it is not host:port\n` +
        `${file}:4:23  listeners[0].timeouts.idle         expected a duration such as 10s, 500ms or 3m, got "3 minutes"\n` +
        `2 errors in ${file}. Nothing was started.\n`,
      stderr: '',
      code: 1,
    })
  })

  test('lists warnings of a valid file; with --strict they fail it', async () => {
    const file = fileWith(WITH_WARNING)
    const stdout =
      `${file} is valid: 1 listener, 1 upstream, 0 plugins\n` +
      `${file}:2:14  warning  upstreams.old                      no listener and no route uses "old"\n`
    expect(await run('check', file)).toEqual({ stdout, stderr: '', code: 0 })
    expect(await run('check', '--strict', file)).toEqual({ stdout, stderr: '', code: 1 })
    expect(await run('check', '--strict', fileWith(VALID))).toMatchObject({ code: 0 })
  })

  test('prints JSON', async () => {
    const file = fileWith(BROKEN)
    const { stdout, code } = await run('check', '-o', 'json', file)
    expect(code).toBe(1)
    expect(JSON.parse(stdout)).toMatchObject({
      file,
      valid: false,
      findings: [
        {
          severity: 'error',
          code: 'SLUICE_CONFIG_UNKNOWN_UPSTREAM',
          path: 'listeners[0].destination',
          file,
          line: 3,
          column: 18,
        },
        {
          severity: 'error',
          code: 'SLUICE_CONFIG_INVALID_VALUE',
          path: 'listeners[0].timeouts.idle',
          file,
          line: 4,
          column: 23,
        },
      ],
    })
    const valid = await run('check', '-o', 'json', fileWith(VALID))
    expect(JSON.parse(valid.stdout)).toMatchObject({ valid: true, listeners: 1, upstreams: 0, findings: [] })
  })

  test('exits with 2 where the file cannot be read, and says why on stderr', async () => {
    const file = join(fileWith(VALID), '..', 'none.yaml')
    expect(await run('check', file)).toEqual({
      stdout: '',
      stderr: `cannot read ${file}: there is no such file\n`,
      code: 2,
    })
  })

  test('knows two formats', async () => {
    await expect(run('check', '-o', 'xml', 'a.yaml')).rejects.toMatchObject({ code: 'commander.invalidArgument' })
  })
})

describe('findConfigFile', () => {
  test('takes the first that is there', async () => {
    const file = fileWith(VALID)
    expect(await findConfigFile([join(file, '..', 'none.yaml'), file])).toBe(file)
  })

  test('says where it looked', async () => {
    await expect(findConfigFile(['/none/a.yaml', '/none/b.yaml'])).rejects.toMatchObject({
      code: 'SLUICE_CONFIG_UNREADABLE',
      message: 'no configuration: neither /none/a.yaml nor /none/b.yaml is there; name one with -c FILE',
    })
  })
})
