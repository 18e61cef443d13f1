import { readFileSync } from 'node:fs'
import { Command, CommanderError, Help } from 'commander'
import { describe, expect, test } from 'vitest'
import { COMMANDS } from '../../src/cli/commands.js'
import { loadBuiltIns } from '../../src/cli/load-built-ins.js'
import { runProgram } from '../../src/cli/program.js'
import type { ServingIo } from '../../src/cli/serving-io.js'
import type { StreamingIo } from '../../src/cli/streaming-io.js'

describe('the list of commands', () => {
  test.for(COMMANDS)('says of $term what the command itself takes', async ({ term, load }) => {
    const command = new Command(namesOf(term)[0]).aliases(namesOf(term).slice(1))
    ;(await load())(command, writingTo([]), loadBuiltIns)
    expect(new Help().subcommandTerm(command)).toBe(term)
  })

  test.for(COMMANDS.flatMap(({ term }) => namesOf(term)))('sluice help %s prints what %s --help does', async (name) => {
    const help = await helpOf(name, '--help')
    expect(help).toContain('Usage: sluice ')
    expect(await helpOf('help', name)).toBe(help)
  })

  test('has no help of a command that is not there', async () => {
    expect(await helpOf('help', 'nothing-of-the-kind')).toBe(await helpOf())
  })
})

describe('before a command reads a configuration', () => {
  test.for(['main', 'run', 'learn', 'await', 'intercept', 'doctor', 'quickstart', 'new-plugin'])(
    '%s loads no package but the one that reads command lines',
    (name) => {
      const packages = packagesOf(new URL(`../../dist/cli/${name}.js`, import.meta.url))
      expect([...packages].filter((one) => one !== 'commander' && one !== 'reflect-metadata')).toEqual([])
    },
  )
})

/** `check` and `validate` of `check|validate [options] [file]`. */
function namesOf(term: string): string[] {
  return term.replace(/ .*/, '').split('|')
}

/** All that a command line prints which ends with help. */
async function helpOf(...args: readonly string[]): Promise<string> {
  const printed: string[] = []
  await expect(runProgram(args, writingTo(printed), loadBuiltIns)).rejects.toThrow(CommanderError)
  return printed.join('')
}

function writingTo(printed: string[]): ServingIo & StreamingIo {
  const output = { write: (text: string) => printed.push(text) }
  return {
    stdin: (async function* () {})(),
    stdout: output,
    stderr: output,
    writeAnswer: () => Promise.resolve(),
    setExitCode: (code) => expect.unreachable(`exit code ${code}`),
    isStdoutTerminal: false,
    isStderrTerminal: false,
    onStop: () => () => {},
    reportBug: (error) => expect.unreachable(String(error)),
  }
}

const IMPORT = /^(?:import|export)\b[^;'"]*?\bfrom '([^']+)'|^import '([^']+)'/gm

/** The packages that a built module and all that it imports load, without those that it imports when it is told to. */
function packagesOf(file: URL, seen = new Set<string>()): Set<string> {
  const packages = new Set<string>()
  if (seen.has(file.href)) return packages
  seen.add(file.href)
  for (const [, from, bare] of readFileSync(file, 'utf8').matchAll(IMPORT)) {
    const specifier = from ?? bare!
    if (specifier.startsWith('node:')) continue
    if (!specifier.startsWith('.')) packages.add(specifier)
    else for (const one of packagesOf(new URL(specifier, file), seen)) packages.add(one)
  }
  return packages
}
