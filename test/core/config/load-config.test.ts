import { mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { z } from 'zod'
import type { CheckContext, FilterDefinition, StandardSchema } from '../../../src/core/filter.js'
import { descriptorLimit } from '../../../src/core/config/descriptor-limit.js'
import { effectiveConfig } from '../../../src/core/config/effective-config.js'
import { formatErrorCount, formatFindings } from '../../../src/core/config/format-findings.js'
import { loadConfig, readConfigFile, type LoadOptions } from '../../../src/core/config/load-config.js'
import { registryOf } from '../../../src/core/config/registry.js'
import { builtIns } from '../../../src/plugins/built-ins.js'
import { someKernel, testFilters, testRegistry } from './test-registry.js'

const LISTENER = { address: '127.0.0.1:8080', destination: '127.0.0.1:9090' }

function load(source: string | object, options: LoadOptions = { environment: {} }) {
  return loadConfig(source, testRegistry, options)
}

/** The configuration of a source without any finding. */
function valid(source: string | object, options?: LoadOptions) {
  const { config, findings } = load(source, options)
  expect(findings).toEqual([])
  return config!
}

function messages(source: string | object, registry = testRegistry): string[] {
  return loadConfig(source, registry, { environment: {} }).findings.map(({ path, message }) => `${path}: ${message}`)
}

describe('a valid configuration', () => {
  test('has every default in it', () => {
    const config = valid('listeners: [{ address: "127.0.0.1:8080", destination: "db.internal:4406" }]', {
      file: 'a.yaml',
    })
    expect(config).toMatchObject({
      file: 'a.yaml',
      admin: undefined,
      drain: { delayMs: 0, graceMs: 25_000 },
      log: { level: 'info' },
      accessLog: false,
      closedTraces: 256,
      traceBytes: 256,
      upstreams: [],
    })
    const [listener] = config.listeners
    expect(listener).toMatchObject({
      name: '127.0.0.1:8080',
      direction: 'inbound',
      addresses: [{ host: '127.0.0.1', port: 8080 }],
      intercept: undefined,
      destination: { kind: 'address', host: 'db.internal', port: 4406 },
      limits: { maxConnections: 10_000, over: 'refuse', peekWindowBytes: 16_384 },
      timeouts: {
        connectMs: 5_000,
        idleMs: 3_600_000,
        halfCloseMs: 3_600_000,
        firstByteMs: 60_000,
        verdictMs: 30_000,
        keepAliveMs: 10_000,
      },
      drain: { closeWith: 'listener' },
      isDefaultChain: true,
    })
    expect(listener!.filters.map(({ definition }) => definition.name)).toEqual([
      'port-override',
      'detect',
      'tls-passthrough',
      'http-metrics',
      'tcp-forward',
    ])
  })

  test('has upstreams as a list, each endpoint with its bound', () => {
    const config = valid({
      upstreams: {
        web: {
          endpoints: ['a:1', { address: '[::1]:2', maxConnections: 5 }, { address: 'c:3' }],
          maxConnections: 9,
          balance: 'random',
        },
      },
      listeners: [{ address: ':8080', destination: 'web' }],
    })
    expect(config.upstreams).toEqual([
      {
        name: 'web',
        balance: 'random',
        endpoints: [
          { host: 'a', port: 1, maxConnections: 9 },
          { host: '::1', port: 2, maxConnections: 5 },
          { host: 'c', port: 3, maxConnections: 9 },
        ],
      },
    ])
    expect(config.listeners[0]).toMatchObject({
      name: ':8080',
      addresses: [{ host: '::', port: 8080 }],
      destination: { kind: 'upstream', name: 'web' },
    })
  })

  test('has upstreams with sources, health checks and ejection', () => {
    const config = valid({
      dns: { servers: ['10.96.0.10:53'], search: ['svc.cluster.local'], ndots: 5, maxTtl: '1m' },
      upstreams: {
        web: {
          endpoints: [
            { address: 'a:1', weight: 3 },
            { dns: 'shop.default:8080', maxConnections: 5 },
            { srv: '_http._tcp.shop.default.svc.cluster.local', weight: 2 },
            { file: './endpoints.yaml' },
          ],
          maxConnections: 9,
          balance: 'consistent-hash',
          hashOn: { header: 'X-User' },
          ejection: { failurePercent: 40, baseTime: '10s' },
          healthCheck: {
            http: { path: '/ready', statuses: ['200-299', '404'] },
            port: 8081,
            interval: '1s',
            timeout: '500ms',
          },
        },
      },
      listeners: [{ address: ':8080', destination: 'web' }],
    })
    expect(config.dns).toEqual({
      servers: [{ host: '10.96.0.10', port: 53 }],
      search: ['svc.cluster.local'],
      ndots: 5,
      minTtlMs: 1_000,
      maxTtlMs: 60_000,
      holdMs: 30_000,
    })
    expect(config.upstreams).toEqual([
      {
        name: 'web',
        balance: 'consistent-hash',
        hashOn: { header: 'x-user' },
        endpoints: [{ host: 'a', port: 1, maxConnections: 9, weight: 3 }],
        sources: [
          { kind: 'dns', name: 'shop.default', port: 8080, maxConnections: 5, weight: 1 },
          { kind: 'srv', name: '_http._tcp.shop.default.svc.cluster.local', maxConnections: 9, weight: 2 },
          { kind: 'file', path: './endpoints.yaml', maxConnections: 9, weight: 1 },
        ],
        ejection: {
          consecutiveFailures: 5,
          failurePercent: 40,
          minOutcomes: 20,
          intervalMs: 10_000,
          baseMs: 10_000,
          maxMs: 300_000,
          maxPercent: 50,
        },
        healthCheck: {
          http: {
            path: '/ready',
            statuses: [
              { from: 200, to: 299 },
              { from: 404, to: 404 },
            ],
          },
          port: 8081,
          intervalMs: 1_000,
          timeoutMs: 500,
          rise: 2,
          fall: 3,
        },
      },
    ])
  })

  test('has filters with the options that their schemas gave', () => {
    const filters = ['port-override', { detect: { timeout: '1.5s' } }, { 'http-metrics': null }, { 'tcp-forward': {} }]
    const [listener] = valid({ listeners: [{ ...LISTENER, filters }] }).listeners
    expect(listener!.isDefaultChain).toBe(false)
    expect(listener!.filters.map(({ options }) => options)).toEqual([
      { ports: {} },
      { timeout: 1_500, onTimeout: 'continue', onUnknown: 'continue' },
      {},
      { routes: [] },
    ])
  })

  test('listens on both families one by one, and is intercepted', () => {
    const listener = { address: ['0.0.0.0:4143', '[::]:4143'], intercept: 'redirect', destination: 'original' }
    expect(valid({ listeners: [listener] }).listeners[0]).toMatchObject({
      addresses: [
        { host: '0.0.0.0', port: 4143 },
        { host: '::', port: 4143 },
      ],
      destination: { kind: 'original' },
    })
  })

  test('may have anchors, aliases and merge keys; its own options win over merged ones', () => {
    const config = valid(`
x-slow: &slow { connect: 9s, idle: 2h }
x-fast: &fast { connect: 1s, verdict: 1s }
listeners:
  - &first
    name: a
    address: 127.0.0.1:8080
    destination: &there 127.0.0.1:9090
    timeouts: { <<: [*slow, *fast], idle: 3h }
  - { <<: *first, name: b, address: 127.0.0.1:8081, destination: *there }
`)
    expect(config.listeners.map(({ name, destination, timeouts }) => ({ name, destination, timeouts }))).toMatchObject(
      ['a', 'b'].map((name) => ({
        name,
        destination: { kind: 'address', host: '127.0.0.1', port: 9090 },
        timeouts: { connectMs: 9_000, verdictMs: 1_000, idleMs: 10_800_000 },
      })),
    )
  })

  test('never matches a listener on port 0 as one of our own addresses', () => {
    valid({ listeners: [{ ...LISTENER, address: '127.0.0.1:0' }] })
  })
})

describe('references to the environment', () => {
  const environment = { MAX: '7', ON: 'true', TOKEN: '12345', HOST: 'db', NOTHING: '' }

  test('are typed as YAML would where they are all of a plain value, and stay text in quotes', () => {
    const config = valid(
      `
accessLog: \${ON}
listeners:
  - address: 127.0.0.1:8080
    destination: \${HOST}:4406
    limits:
      maxConnections: \${MAX}
    filters:
      - direct-response: { body: "\${TOKEN}" }
`,
      { environment },
    )
    expect(config).toMatchObject({
      accessLog: true,
      listeners: [
        {
          destination: { host: 'db' },
          limits: { maxConnections: 7 },
          filters: [{ options: { body: '12345' } }],
        },
      ],
    })
  })

  test('cannot change the structure', () => {
    const { findings } = load('listeners: ${LIST}', { environment: { LIST: '[{ address: "127.0.0.1:1" }]' } })
    expect(findings).toMatchObject([
      { code: 'SLUICE_CONFIG_WRONG_TYPE', message: 'expected a list of listeners, got "***" from ${LIST}' },
    ])
  })

  test('are not looked for in objects', () => {
    const filters = [{ 'direct-response': { body: '$$ ${HOST}' } }]
    expect(valid({ listeners: [{ ...LISTENER, filters }] }).listeners[0]!.filters[0]!.options).toEqual({
      body: '$$ ${HOST}',
    })
  })

  test('are shown as *** with the paths they stand at', () => {
    const yaml = `
listeners:
  - address: \${NOTHING:-127.0.0.1:8080}
    destination: \${HOST}:4406
    filters:
      - direct-response: { body: "Bearer \${TOKEN}" }
`
    const { written } = load(yaml, { environment })
    expect(written!.fromEnvironment).toEqual([
      'listeners[0].destination',
      'listeners[0].filters[0].direct-response.body',
    ])
    const shown = {
      address: '127.0.0.1:8080',
      destination: '***:4406',
      filters: [{ 'direct-response': { body: 'Bearer ***' } }],
    }
    expect(written!.shown).toEqual({ listeners: [shown] })
    expect(effectiveConfig(written!, testRegistry)).toMatchObject({ listeners: [shown] })
  })
})

describe('the effective configuration', () => {
  test('says every default in the words of the YAML, and reads as the same configuration', () => {
    const source = {
      admin: { address: '127.0.0.1:4191' },
      upstreams: { web: { endpoints: ['127.0.0.1:1'] } },
      listeners: [
        { address: '127.0.0.1:8080', destination: 'web', timeouts: { idle: '5m' } },
        { name: 'b', address: ['127.0.0.1:8081'], filters: [{ detect: { onTimeout: 'deny' } }, 'echo'] },
      ],
    }
    const { config, written } = load(source)
    const effective = effectiveConfig(written!, testRegistry)
    expect(effective).toMatchObject({
      admin: { address: '127.0.0.1:4191', allowedHosts: [] },
      drain: { delay: '0s', grace: '25s' },
      log: { level: 'info' },
      accessLog: false,
      closedTraces: 256,
      traceBytes: 256,
      upstreams: { web: { endpoints: ['127.0.0.1:1'], hashOn: 'source' } },
      dns: { minTtl: '1s', maxTtl: '5m', hold: '30s' },
      listeners: [
        {
          name: '127.0.0.1:8080',
          direction: 'inbound',
          limits: { maxConnections: 10_000, over: 'refuse', peekWindow: '16KiB' },
          timeouts: { connect: '5s', idle: '5m', halfClose: '1h', firstByte: '60s', verdict: '30s', keepAlive: '10s' },
          drain: { closeWith: 'listener' },
        },
        { name: 'b', filters: [{ detect: { timeout: '10s', onTimeout: 'deny', onUnknown: 'continue' } }, 'echo'] },
      ],
    })
    const { config: again } = load(effective as object)
    const comparable = (each: typeof config) => ({
      ...each,
      listeners: each!.listeners.map((listener) => ({ ...listener, isDefaultChain: undefined })),
    })
    expect(comparable(again)).toEqual(comparable(config))
  })
})

describe('an object', () => {
  test('has findings with paths and without positions', () => {
    const { findings } = load({ listeners: [{ ...LISTENER, adress: 'x' }, LISTENER] })
    expect(findings).toEqual([
      {
        severity: 'error',
        code: 'SLUICE_CONFIG_UNKNOWN_OPTION',
        path: 'listeners[0].adress',
        message: 'no option "adress" here. Did you mean "address"?',
      },
      {
        severity: 'error',
        code: 'SLUICE_CONFIG_DUPLICATE_ADDRESS',
        path: 'listeners[1].address',
        message: 'the listener "127.0.0.1:8080" listens there already',
      },
    ])
    expect(formatFindings(findings)).toBe(
      'listeners[0].adress                no option "adress" here. Did you mean "address"?\n' +
        'listeners[1].address               the listener "127.0.0.1:8080" listens there already\n',
    )
  })

  test('names the listener that has a name already by its path', () => {
    const listeners = [
      { ...LISTENER, name: 'a' },
      { ...LISTENER, name: 'a', address: '127.0.0.1:8081' },
    ]
    expect(messages({ listeners })).toEqual(['listeners[1].name: "a" is already the name of listeners[0]'])
  })

  test('that is a list is no configuration', () => {
    expect(messages([])).toEqual([': expected a map of options, got a list'])
  })
})

describe('limits of the machine', () => {
  test('say that more than a third of the descriptors will not be had', () => {
    const written = { ...LISTENER, limits: { maxConnections: 10_000 } }
    const { config, findings } = load({ listeners: [written] }, { descriptorLimit: 1024 })
    expect(config).toBeDefined()
    expect(findings).toEqual([
      {
        severity: 'warning',
        code: 'SLUICE_CONFIG_DESCRIPTOR_LIMIT',
        path: 'listeners[0].limits.maxConnections',
        message: '10000 is above a third of the 1024 descriptors that this process may hold: 341 will be the limit',
      },
    ])
    expect(load({ listeners: [written] }, { descriptorLimit: 30_000 }).findings).toEqual([])
    // The default is nobody's wish: it is cut down without a word.
    expect(load({ listeners: [LISTENER] }, { descriptorLimit: 1024 }).findings).toEqual([])
  })

  test('are read where Linux says them', async () => {
    const folder = temporaryFolder()
    const limits = join(folder, 'limits')
    writeFileSync(
      limits,
      'Limit                     Soft Limit  Hard Limit  Units\nMax open files            1024        4096        files\n',
    )
    expect(await descriptorLimit(limits)).toBe(1024)
    writeFileSync(limits, 'Max open files            unlimited   unlimited   files\n')
    expect(await descriptorLimit(limits)).toBeUndefined()
    expect(await descriptorLimit(join(folder, 'none'))).toBeUndefined()
  })

  test('stop aliases that multiply', () => {
    const levels = Array.from({ length: 7 }, (_, n) => `  - &l${n + 1} [${Array(10).fill(`*l${n}`).join(', ')}]`)
    const { config, findings } = load(`x-bomb:\n  - &l0 [x]\n${levels.join('\n')}\nlisteners: []\n`)
    expect(config).toBeUndefined()
    expect(findings).toMatchObject([{ code: 'SLUICE_CONFIG_TOO_LARGE' }])
  })

  test('say why interception cannot be had', () => {
    const registry = registryOf([{ filters: testFilters }])
    const original = { destination: 'original' }
    const listeners = [
      { address: '127.0.0.1:8080', intercept: 'redirect', ...original },
      { address: '127.0.0.1:8081', intercept: 'tproxy', ...original },
      { address: 'fd:3', intercept: 'tproxy', ...original },
      { address: 'fd:4', destination: '127.0.0.1:1', preserveSource: true },
    ]
    expect(messages({ listeners }, registry)).toEqual([
      'listeners[0].intercept: cannot intercept here: this build of Sluice cannot ask the kernel for original destinations',
      'listeners[1].intercept: cannot intercept here: this build of Sluice cannot make transparent sockets',
      "listeners[3].preserveSource: cannot keep the client's address here: this build of Sluice cannot make transparent sockets",
    ])
  })
})

describe('filters of strangers', () => {
  function withFilter(definition: Partial<FilterDefinition>, options: unknown = {}) {
    const filter = { name: 'acme', options: z.strictObject({}), terminal: true, ...definition } as FilterDefinition
    return loadConfig(
      { listeners: [{ address: '127.0.0.1:8080', filters: [{ acme: options }] }] },
      registryOf([{ filters: [filter] }]),
    )
  }

  test('may have a schema of any maker', () => {
    const options: StandardSchema = {
      '~standard': {
        version: 1,
        vendor: 'acme',
        validate: (value) =>
          (value as { size?: number }).size === 1
            ? { value: 'one' }
            : { issues: [{ message: 'must be one', path: [{ key: 'size' }] }, { message: 'is odd' }] },
      },
    }
    expect(withFilter({ options }, { size: 1 }).config!.listeners[0]!.filters[0]!.options).toBe('one')
    expect(withFilter({ options }, { size: 2 }).findings).toMatchObject([
      { code: 'SLUICE_CONFIG_INVALID_VALUE', path: 'listeners[0].filters[0].acme.size', message: 'must be one' },
      { code: 'SLUICE_CONFIG_INVALID_VALUE', path: 'listeners[0].filters[0].acme', message: 'is odd' },
    ])
  })

  test('whose schema is asynchronous, or whose check throws, fail as findings', () => {
    const options: StandardSchema = {
      '~standard': { version: 1, vendor: 'acme', validate: (value) => Promise.resolve({ value }) },
    }
    expect(withFilter({ options }).findings).toMatchObject([
      {
        code: 'SLUICE_CONFIG_FILTER_FAILED',
        message: expect.stringMatching(/"acme" failed .* asynchronous/) as string,
      },
    ])
    const check = () => {
      throw new Error('broken')
    }
    expect(withFilter({ check }).findings).toMatchObject([
      {
        code: 'SLUICE_CONFIG_FILTER_FAILED',
        path: 'listeners[0].filters[0].acme',
        message: expect.stringMatching(/: broken$/) as string,
      },
    ])
  })

  test.each<[string, Partial<FilterDefinition>, RegExp]>([
    [
      'needs',
      { needs: () => 'everything' as never },
      /: needs must be 'nothing', 'protocol', 'facts', got "everything"$/,
    ],
    ['needs', { needs: () => { throw new Error('broken') } }, /: broken$/], // prettier-ignore
    ['whenClientSilent', { whenClientSilent: () => ({}) as never }, /: whenClientSilent must give .*, got a map$/],
  ])('whose %s gives no answer that start-up can use fail as findings', (_hook, definition, message) => {
    expect(withFilter(definition).findings).toMatchObject([
      {
        code: 'SLUICE_CONFIG_FILTER_FAILED',
        path: 'listeners[0].filters[0].acme',
        message: expect.stringMatching(message) as string,
      },
    ])
  })

  test('see the rest of the configuration, and place their findings below their options', () => {
    let seen: CheckContext | undefined
    const check: FilterDefinition['check'] = (_options, context) => {
      seen = context
      return [{ severity: 'warning', code: 'ACME_ODD', path: ['list', 1], message: 'is odd' }]
    }
    const acme = { name: 'acme', options: z.looseObject({}), terminal: true, check } as FilterDefinition
    const registry = registryOf([builtIns, { filters: [acme] }], someKernel)
    const yaml = `
upstreams: { web: { endpoints: ["127.0.0.1:1"] } }
admin: { address: ":4191" }
listeners:
  - name: in
    address: 127.0.0.1:8080
    filters:
      - http-metrcs
      - detect: { timeout: never }
      - acme:
          list:
            - web
            - b
`
    const { findings } = loadConfig(yaml, registry, { file: 'a.yaml' })
    expect(findings.find(({ code }) => code === 'ACME_ODD')).toEqual({
      severity: 'warning',
      code: 'ACME_ODD',
      path: 'listeners[0].filters[2].acme.list[1]',
      message: 'is odd',
      file: 'a.yaml',
      line: 13,
      column: 15,
    })
    expect(seen).toMatchObject({
      upstreams: ['web'],
      listener: { name: 'in', hasDestination: false },
      before: ['http-metrics', 'detect'],
    })
    expect(seen!.protocols).toEqual(expect.arrayContaining(['http/1', 'tls', 'mysql']))
    expect([seen!.isOwnAddress('localhost', 4191), seen!.isOwnAddress('127.0.0.1', 1)]).toEqual([true, false])
    expect(seen!.suggest('wbe', seen!.upstreams)).toBe('Did you mean "web"?')
  })
})

describe('findings as text', () => {
  test('stand in columns; long paths lose their beginning', () => {
    const findings = [
      { severity: 'error', code: 'X', path: 'drain.delay', message: 'a', file: 'f.yaml', line: 1, column: 5 },
      {
        severity: 'warning',
        code: 'X',
        path: `listeners[0].filters[2].tcp-forward.routes[10].match.sni`,
        message: 'b',
        file: 'f.yaml',
        line: 10,
        column: 15,
      },
    ] as const
    expect(formatFindings(findings)).toBe(
      'f.yaml:1:5    drain.delay                        a\n' +
        'f.yaml:10:15  warning  …filters[2].tcp-forward.routes[10].match.sni   b\n',
    )
    expect(formatErrorCount(findings, 'f.yaml')).toBe('1 error in f.yaml. Nothing was started.\n')
  })
})

describe('readConfigFile', () => {
  test('gives the text', async () => {
    const file = join(temporaryFolder(), 'a.yaml')
    writeFileSync(file, 'é: 1\n')
    expect(await readConfigFile(file)).toBe('é: 1\n')
  })

  test('says why it cannot', async () => {
    const folder = temporaryFolder()
    const unreadable = (source: string, reason: string) => ({
      code: 'SLUICE_CONFIG_UNREADABLE',
      source,
      message: `cannot read ${source}: ${reason}`,
    })
    await expect(readConfigFile(join(folder, 'none'))).rejects.toMatchObject(
      unreadable(join(folder, 'none'), 'there is no such file'),
    )
    await expect(readConfigFile(folder)).rejects.toMatchObject(unreadable(folder, 'it is a directory'))
    const large = join(folder, 'large')
    writeFileSync(large, '')
    truncateSync(large, 4 * 1024 * 1024 + 1)
    await expect(readConfigFile(large)).rejects.toMatchObject(unreadable(large, 'it is larger than 4194304 bytes'))
    await expect(readConfigFile('/dev/null')).rejects.toMatchObject(unreadable('/dev/null', 'it is not a file'))
  })
})

describe('the files in config/', () => {
  const folder = new URL('../../../config/', import.meta.url)
  const files = readdirSync(folder).filter((name) => name.endsWith('.yaml'))

  test.each(files)('%s is valid, without a variable being set', (name) => {
    const registry = registryOf([builtIns], someKernel)
    const { findings } = loadConfig(readFileSync(new URL(name, folder), 'utf8'), registry, {
      file: name,
      environment: {},
    })
    expect(findings.filter(({ severity }) => severity === 'error')).toEqual([])
  })

  test.each(files)('%s listens on ports above 1024, names its schema, and every reference has a default', (name) => {
    const text = readFileSync(new URL(name, folder), 'utf8')
    expect(text.split('\n')[0]).toBe('# yaml-language-server: $schema=../schema.json')
    expect(text.match(/\$\{[A-Z0-9_]+\}/)).toBeNull()
    const { config } = loadConfig(text, registryOf([builtIns], someKernel), { environment: {} })
    for (const { addresses } of config!.listeners) {
      for (const address of addresses) expect('inherited' in address || address.port > 1024).toBe(true)
    }
    expect(parse(text)).toBeTypeOf('object')
  })
})

function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-config-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  return folder
}
