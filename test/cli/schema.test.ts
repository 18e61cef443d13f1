import { readFileSync } from 'node:fs'
import { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineSchema } from '../../src/cli/schema.js'
import { jsonSchema, type JsonSchema } from '../../src/core/config/json-schema.js'
import { registryOf } from '../../src/core/config/registry.js'
import type { FilterDefinition } from '../../src/core/filter.js'
import { builtIns } from '../../src/plugins/built-ins.js'

const registry = registryOf([builtIns])
const COMMITTED = readFileSync(new URL('../../schema.json', import.meta.url), 'utf8')

function properties(schema: JsonSchema | undefined): Record<string, JsonSchema> {
  return schema?.properties ?? {}
}

function listener(schema: JsonSchema): Record<string, JsonSchema> {
  return properties(properties(schema)['listeners']?.items)
}

/** The alternatives of a chain's items. */
function chainItems(schema: JsonSchema): JsonSchema[] {
  return listener(schema)['filters']?.items?.oneOf ?? []
}

test('sluice schema prints the committed schema.json: scripts/write-schema.mjs writes it anew', async () => {
  let stdout = ''
  let code: number | undefined
  const program = new Command().exitOverride()
  const io = {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: () => true },
    setExitCode: (value: number) => (code = value),
  }
  defineSchema(program.command('schema'), io, () => Promise.resolve(registry))
  await program.parseAsync(['schema'], { from: 'user' })
  expect(code).toBe(0)
  expect(stdout).toBe(COMMITTED)
})

describe('the JSON Schema', () => {
  test('knows every filter by its name, alone and with its options', () => {
    const names = [...registry.filters.keys()]
    // One that has options without a default cannot stand alone.
    expect(chainItems(jsonSchema(registry)).flatMap((item) => (item.const === undefined ? [] : [item.const]))).toEqual(
      names.filter((name) => name !== 'proxy-protocol'),
    )
    const withOptions = chainItems(jsonSchema(registry)).filter((item) => item.type === 'object')
    expect(withOptions.flatMap((item) => Object.keys(properties(item)))).toEqual(names)
    expect(withOptions.every((item) => item.additionalProperties === false)).toBe(true)
  })

  test('says of every option what it does', () => {
    const silent: string[] = []
    visit(jsonSchema(registry), [])
    expect(silent).toEqual([])

    function visit(schema: JsonSchema, path: string[]): void {
      for (const [name, option] of Object.entries(properties(schema))) {
        const isFilter = path.at(-1) === 'filters'
        if (!isFilter && option.description === undefined) silent.push([...path, name].join('.'))
        visit(option, [...path, name])
      }
      const below = [schema.items, schema.additionalProperties, ...(schema.anyOf ?? []), ...(schema.oneOf ?? [])]
      for (const each of below) if (typeof each === 'object') visit(each, path)
    }
  })

  test('lets a reference to the environment stand for any value', () => {
    const { address, limits, direction } = listener(jsonSchema(registry))
    const [one] = address!.anyOf!
    expect('${A:-127.0.0.1:80}').toMatch(new RegExp(one!.pattern!))
    expect('127.0.0.1:80').toMatch(new RegExp(one!.pattern!))
    expect('nonsense').not.toMatch(new RegExp(one!.pattern!))
    expect(properties(limits)['maxConnections']).toMatchObject({
      type: ['integer', 'string'],
      minimum: 1,
      default: 10_000,
    })
    expect(direction).toMatchObject({
      anyOf: [{ enum: ['inbound', 'outbound'] }, { type: 'string' }],
      default: 'inbound',
    })
  })

  test('takes any options where a filter has a schema of another maker, and needs those that are required', () => {
    const foreign = {
      name: 'foreign',
      options: { '~standard': { version: 1, vendor: 'x', validate: (value: unknown) => ({ value }) } },
    }
    const strict = { name: 'strict', options: z.strictObject({ size: z.int().describe('How many.') }) }
    const own = registryOf([{ filters: [foreign, strict] as FilterDefinition[] }])
    expect(chainItems(jsonSchema(own))).toMatchObject([
      { const: 'foreign' },
      { properties: { foreign: { anyOf: [{}, { type: 'null' }] } } },
      { properties: { strict: { anyOf: [{ required: ['size'] }, { type: 'null' }] } } },
    ])
  })
})
