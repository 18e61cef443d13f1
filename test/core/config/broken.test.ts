import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import type { LocatedFinding } from '../../../src/core/config/findings.js'
import { loadConfig } from '../../../src/core/config/load-config.js'
import { registryOf } from '../../../src/core/config/registry.js'
import { builtIns } from '../../../src/plugins/built-ins.js'
import { someOriginalDestinations } from './test-registry.js'

const registry = registryOf([builtIns], someOriginalDestinations)

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
})
