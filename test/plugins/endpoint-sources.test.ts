import 'reflect-metadata'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { inject } from 'tsyringe'
import { jsonSchema, schemaAt } from '../../src/core/config/json-schema.js'
import { readParsedConfig } from '../../src/core/config/load-config.js'
import { registryOf } from '../../src/core/config/registry.js'
import { defineEndpointSource, type EndpointSource } from '../../src/core/endpoint-source.js'
import { OPTIONS } from '../../src/core/tokens.js'
import { builtIns } from '../../src/plugins/built-ins.js'
import { openConfig } from '../../src/plugins/open-config.js'
import type { Plugin } from '../../src/plugins/plugin.js'
import { serveHttp } from '../support/routed.js'
import { startSluice } from '../support/start-sluice.js'

const options = z.strictObject({
  service: z.string().describe('Which one.'),
  ports: z.array(z.int()).default([]),
})

/** Names what its options do. */
class Registered implements EndpointSource {
  readonly label: string
  readonly problem = undefined
  readonly #ports: readonly number[]

  constructor(@inject(OPTIONS) { service, ports }: z.output<typeof options>) {
    this.label = `registry ${service}`
    this.#ports = ports
  }

  async start(onChange: Parameters<EndpointSource['start']>[0]): Promise<void> {
    await Promise.resolve()
    onChange(this.#ports.map((port) => ({ host: '127.0.0.1', port })))
  }

  stop(): void {
    // Nothing was begun.
  }
}

const create = () => new Registered({ service: 'local', ports: [] })

const registry: Plugin = {
  name: 'registry',
  apiVersion: 1,
  endpointSources: [
    defineEndpointSource({ name: 'acme-registry', options, use: Registered }),
    defineEndpointSource({
      name: 'acme-local',
      options: z.strictObject({}),
      create,
    }),
  ],
}

/** What `check` says, as its lines do. */
async function check(endpoints: string, plugins: readonly Plugin[] = [registry]): Promise<string[]> {
  const text = `upstreams:
  shop:
    endpoints:
${endpoints.replace(/^/gm, '      ')}
listeners:
  - { address: 127.0.0.1:8080, destination: shop }
`
  const opened = await openConfig(text, registryOf([builtIns]), { plugins, file: 'sluice.yaml' })
  const { findings } = readParsedConfig(opened.parsed, opened.registry)
  return findings.map(({ line, column, code, path, message }) => `${line}:${column} ${code} ${path}: ${message}`)
}

describe('a source of a plugin in a configuration', () => {
  test.each([
    '- source: { acme-registry: { service: shop } }',
    '- source: { acme-registry: { service: shop }}\n  weight: 3\n  maxConnections: 9',
    '- source: acme-local',
    '- source: { acme-local: }',
    '- 127.0.0.1:8081\n- source: acme-local',
  ])('is right: %s', async (endpoints) => {
    expect(await check(endpoints)).toEqual([])
  })

  const at = 'upstreams.shop.endpoints[0].source'
  test.each([
    [
      '- source: { acme-regsitry: { service: shop } }',
      [`4:19 SLUICE_CONFIG_UNKNOWN_SOURCE ${at}: no source "acme-regsitry". Did you mean "acme-registry"?`],
    ],
    [
      '- source: consul',
      [`4:17 SLUICE_CONFIG_UNKNOWN_SOURCE ${at}: no source "consul". There are acme-registry, acme-local.`],
    ],
    [
      '- source: { acme-registry: { servcie: shop } }',
      [
        `4:36 SLUICE_CONFIG_UNKNOWN_OPTION ${at}.acme-registry.servcie: no option "servcie" here. Did you mean "service"?`,
      ],
    ],
    [
      '- source: { acme-registry: { service: 5 } }',
      [`4:45 SLUICE_CONFIG_WRONG_TYPE ${at}.acme-registry.service: expected text, got 5; as text it has quotes: "5"`],
    ],
    [
      '- source: { acme-registry: }',
      [`4:34 SLUICE_CONFIG_MISSING_OPTION ${at}.acme-registry.service: "service" is missing`],
    ],
    [
      '- source: { acme-registry: { service: shop }, acme-local: {} }',
      [`4:17 SLUICE_CONFIG_WRONG_TYPE ${at}: expected one source's name, with its options below it, got a map`],
    ],
    [
      '- { source: acme-local, dns: "shop:80" }',
      [
        `4:9 SLUICE_CONFIG_INVALID_VALUE upstreams.shop.endpoints[0]: expected one of "address", "dns", "srv", "file", "source", got "dns" and "source"`,
      ],
    ],
  ])('is wrong: %s', async (endpoints, said) => {
    expect(await check(endpoints)).toEqual(said)
  })

  test('is none where no plugin brings one', async () => {
    expect(await check('- source: acme-local', [])).toEqual([
      `4:17 SLUICE_CONFIG_UNKNOWN_SOURCE ${at}: no source "acme-local". No plugin brings one.`,
    ])
  })

  test('that throws while its options are checked is said where it stands', async () => {
    const throwing = defineEndpointSource({
      name: 'throwing',
      options: {
        '~standard': {
          version: 1,
          vendor: 'test',
          validate: () => {
            throw new Error('no way')
          },
        },
      },
      create: () => expect.unreachable('its options were not read'),
    })
    const said = await check('- source: throwing', [{ name: 'throwing', apiVersion: 1, endpointSources: [throwing] }])
    expect(said).toEqual([
      `4:17 SLUICE_CONFIG_SOURCE_FAILED ${at}.throwing: the source "throwing" failed while its options were checked: no way`,
    ])
  })

  test('has the name of no other', async () => {
    const [said] = await check('- 127.0.0.1:80', [registry, { ...registry, name: 'twin' }])
    expect(said).toContain(
      'SLUICE_PLUGIN_DUPLICATE overrides.plugins[1]: plugin "twin": its source "acme-registry" has',
    )
  })

  test.each([
    [{ name: 'Acme', options, create }, 'the name of a source is small letters and digits'],
    [{ name: 'acme', create }, 'expected a Standard Schema'],
    [{ name: 'acme', options }, 'it needs either "create", a function, or "use", a class, that makes the source'],
  ])('is refused with its plugin where it has no right shape', async (source, why) => {
    const wrong = { name: 'wrong', apiVersion: 1, endpointSources: [source] } as unknown as Plugin
    expect(await check('- 127.0.0.1:80', [wrong])).toEqual([expect.stringContaining(why)])
  })

  test('is in the schema for editors', async () => {
    const { registry: all } = await openConfig('{}', registryOf([builtIns]), { plugins: [registry] })
    const path = ['upstreams', 'shop', 'endpoints', 0, 'source']
    expect(schemaAt(jsonSchema(all), [...path, 'acme-registry', 'service'])).toMatchObject({
      type: 'string',
      description: 'Which one.',
    })
    expect(schemaAt(jsonSchema(all), path)?.anyOf).toContainEqual({ const: 'acme-local' })
  })
})

describe('a source of a plugin in an object', () => {
  test('is made with its options, and asked for endpoints beside those that are written down', async () => {
    const [one, two] = [await serveHttp((_, res) => res.end('one')), await serveHttp((_, res) => res.end('two'))]
    const sluice = await startSluice({
      plugins: [registry],
      upstreams: {
        shop: {
          endpoints: [
            `127.0.0.1:${one.port}`,
            { source: { 'acme-registry': { service: 'shop', ports: [two.port] } }, weight: 2 },
          ],
        },
      },
      listeners: [{ name: 'in', address: '127.0.0.1:0', destination: 'shop' }],
    })
    const answers: string[] = []
    for (let i = 0; i < 6; i++) {
      const response = await fetch(sluice.url('in'), { headers: { connection: 'close' } })
      answers.push(await response.text())
    }
    expect(answers.sort()).toEqual(['one', 'one', 'two', 'two', 'two', 'two'])
  })

  test('that cannot be made keeps it from starting', async () => {
    const create = (): EndpointSource => ({ label: 'half' }) as EndpointSource
    const half = defineEndpointSource({ name: 'half', options: z.strictObject({}), create })
    const starting = startSluice({
      plugins: [{ name: 'half', apiVersion: 1, endpointSources: [half] }],
      upstreams: { shop: { endpoints: [{ source: 'half' }] } },
      listeners: [{ address: '127.0.0.1:0', destination: 'shop' }],
    })
    await expect(starting).rejects.toMatchObject({
      code: 'SLUICE_SOURCE_FAILED',
      message: 'source half could not be made: it has no method start',
    })
  })
})
