import { readdirSync, readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { LocatedFinding } from '../../../src/core/config/findings.js'
import { loadConfig } from '../../../src/core/config/load-config.js'
import { registryOf } from '../../../src/core/config/registry.js'
import { builtIns } from '../../../src/plugins/built-ins.js'
import { someKernel } from './test-registry.js'

const registry = registryOf([builtIns], someKernel)

const folder = new URL('broken/', import.meta.url)
const cases = readdirSync(folder).filter((name) => name.endsWith('.yaml'))
const environment = { SECRET: 'hunter2' }

function load(name: string): readonly LocatedFinding[] {
  const text = readFileSync(new URL(name, folder), 'utf8')
  const { config, findings } = loadConfig(text, registry, { file: name, environment })
  expect(config === undefined).toBe(findings.some(({ severity }) => severity === 'error'))
  return findings
}

/** `line:column code path: message`, a finding a line; a warning says so. */
function listing({ line, column, severity, code, path, message }: LocatedFinding): string {
  return `${line}:${column} ${code}${severity === 'warning' ? ' (warning)' : ''} ${path || '-'}: ${message}\n`
}

describe('broken configurations', () => {
  test('are all found out, each fault at its line and column, with path, code and hint', async () => {
    expect(cases.length).toBeGreaterThanOrEqual(40)
    const golden = cases.map((name) => `== ${name}\n${load(name).map(listing).join('')}`).join('\n')
    await expect(golden).toMatchFileSnapshot('broken/broken.golden.txt')
  })

  test.each(cases)('%s has something to say', (name) => {
    expect(load(name).length).toBeGreaterThan(0)
  })

  test.each(cases)('%s shows no secret', (name) => {
    for (const { message } of load(name)) expect(message).not.toContain(environment.SECRET)
  })

  test('of any shape are read without a throw, and have an error with a position or none at all', () => {
    const texts = cases.map((name) => readFileSync(new URL(name, folder), 'utf8'))
    const marks = fc.constantFrom(...'{}[]:,*&!|>#-$%@`?~<\'"\n\t 0a', '')
    const spoilt = fc.tuple(fc.constantFrom(...texts), fc.nat(), marks, fc.nat(3)).map(([text, at, mark, cut]) => {
      const begin = at % (text.length + 1)
      return text.slice(0, begin) + mark + text.slice(begin + cut)
    })
    fc.assert(
      fc.property(spoilt, (text) => {
        const { config, findings } = loadConfig(text, registry, { environment })
        expect(config === undefined).toBe(findings.some(({ severity }) => severity === 'error'))
        for (const { line, column } of findings) {
          expect(line).toBeGreaterThanOrEqual(1)
          expect(column).toBeGreaterThanOrEqual(1)
        }
      }),
      { numRuns: 300 },
    )
  })
})
