import { readFile } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { ConfigError } from '../../src/core/config-error.js'
import { token } from '../../src/core/tokens.js'
import { createSluice, type SluiceOverrides } from '../../src/sluice.js'
import { pluginFolder, type PluginFolder } from '../support/plugin-folder.js'
import { connectTo, serve } from '../support/sockets.js'
import { startSluice } from '../support/start-sluice.js'

/** A stranger's package: a sniffer, an observer, and a filter by tsyringe class, with options of zod. */
const ACME = new URL('../fixtures/sluice-plugin-acme/index.js', import.meta.url)

interface AcmeModule {
  readonly modules: { readonly tsyringe: object; readonly z: object }
  readonly seen: string[]
}

/** The package with its own tsyringe, and one of two zods. */
async function acme(zod: 'zod' | 'zod3'): Promise<{ folder: PluginFolder; loaded: AcmeModule }> {
  const folder = await pluginFolder()
  await folder.package('acme', await readFile(ACME, 'utf8'))
  await folder.copyOf('tsyringe', 'acme')
  await folder.copyOf(zod, 'acme', 'zod')
  const loaded = (await import(`${folder.path}/node_modules/acme/index.js`)) as AcmeModule
  return { folder, loaded }
}

async function startAcme(folder: PluginFolder, options: string, overrides?: SluiceOverrides) {
  const echo = await serve((peer) => void peer.socket.pipe(peer.socket))
  const file = await folder.file(
    'sluice.yaml',
    `plugins: [acme]
listeners:
  - name: in
    address: 127.0.0.1:0
    destination: 127.0.0.1:${echo.port}
    filters: [{ acme-source-quota: ${options} }, detect, tcp-forward]
`,
  )
  return startSluice(file, overrides)
}

describe('a plugin with its own copies of tsyringe and zod', () => {
  test.each(['zod', 'zod3'] as const)('detects, observes, injects and checks options, with %s', async (zod) => {
    const { folder, loaded } = await acme(zod)
    const ours = { tsyringe: (await import('tsyringe')).default as object, z: (await import('zod')).z as object }
    expect(loaded.modules.tsyringe).not.toBe(ours.tsyringe)
    expect(loaded.modules.z).not.toBe(ours.z)

    const sluice = await startAcme(folder, '{ perSource: 1 }')
    const first = sluice.nextClose('in')
    const client = await connectTo(sluice.address('in').port)
    client.send('ACME {}')
    await client.hears('ACME {}')
    client.socket.end()
    expect(await first).toMatchObject({
      outcome: 'detected',
      protocol: 'acme',
      decidedBy: 'client',
      facts: { version: '1' },
    })
    expect(loaded.seen).toEqual(['client: ACME {}', 'server: ACME {}', 'closed acme'])
    expect(sluice.metric('sluice_detect_total', { protocol: 'acme', outcome: 'detected' })).toBe(1)
    expect(
      sluice
        .closedTraces()[0]
        ?.steps.map((step) => JSON.stringify(step))
        .join('\n'),
    ).toContain('acme by client')

    const second = sluice.nextClose('in')
    await connectTo(sluice.address('in').port)
    expect(await second).toMatchObject({ denied: { filter: 'acme-source-quota', reason: 'over-quota' } })
    expect(sluice.metric('sluice_deny_total', { filter: 'acme-source-quota', reason: 'over-quota' })).toBe(1)
  })

  test.each(['zod', 'zod3'] as const)('has its options refused at their place, with %s', async (zod) => {
    const { folder } = await acme(zod)
    const error: unknown = await startAcme(folder, '{ perSource: 0 }').catch((reason: unknown) => reason)
    expect(error).toBeInstanceOf(ConfigError)
    expect((error as ConfigError).findings).toEqual([
      expect.objectContaining({
        code: 'SLUICE_CONFIG_INVALID_VALUE',
        path: 'listeners[0].filters[0].acme-source-quota.perSource',
        line: 6,
        column: 49,
      }),
    ])
  })

  test('has its provider replaced by the embedder', async () => {
    const { folder } = await acme('zod3')
    const refuseAll = { take: () => false }
    const store = token<typeof refuseAll>('acme/quota-store')
    const sluice = await startAcme(folder, '{}', { providers: [{ token: store, value: refuseAll }] })
    const closed = sluice.nextClose('in')
    await connectTo(sluice.address('in').port)
    expect(await closed).toMatchObject({ denied: { reason: 'over-quota' } })
  })
})

/** Accepts any options as they are: what a Standard Schema is at the least. */
const anything = { '~standard': { version: 1 as const, vendor: 'test', validate: (value: unknown) => ({ value }) } }

async function startWith(plugin: object, filter: string) {
  const echo = await serve((peer) => void peer.socket.pipe(peer.socket))
  const listener = {
    name: 'in',
    address: '127.0.0.1:0',
    destination: `127.0.0.1:${echo.port}`,
    filters: [...(filter ? [{ [filter]: {} }] : []), 'detect' as const, 'tcp-forward' as const],
  }
  return startSluice({ plugins: [{ name: 'faulty', apiVersion: 1, ...plugin }], listeners: [listener] })
}

describe('a plugin that fails on a live connection', () => {
  test('ends only the connection on which its filter throws', async () => {
    let calls = 0
    const onConnection = () => {
      if (++calls === 1) throw new Error('a bug')
      return 'continue'
    }
    const filters = [{ name: 'faulty', options: anything, create: () => ({ onConnection }) }]
    const sluice = await startWith({ filters }, 'faulty')
    const closed = sluice.nextClose('in')
    await connectTo(sluice.address('in').port)
    expect(await closed).toMatchObject({ reason: 'error' })
    const client = await connectTo(sluice.address('in').port)
    client.send('still here')
    await client.hears('still here')
  })

  test('loses the vote of a sniffer that throws, and no other', async () => {
    // Not on its sample: so it starts.
    const client = (window: Uint8Array) => {
      if (window[0] === 0x47) throw new Error('a bug')
      return window[0] === 0xf1 ? 'match' : 'no-match'
    }
    const sniffers = [
      { protocol: 'faulty', maxBytes: 1, client, samples: { client: ['\xf1\xf1\xf1\xf1\xf1'] }, before: ['http/1'] },
    ]
    const sluice = await startWith({ sniffers }, '')
    const closed = sluice.nextClose('in')
    const peer = await connectTo(sluice.address('in').port)
    peer.send('GET / HTTP/1.1\r\n\r\n')
    await peer.hears('GET / HTTP/1.1')
    peer.socket.end()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'http/1' })
    expect(sluice.metric('sluice_sniffer_errors_total', { protocol: 'faulty' })).toBe(1)
  })

  test.each([
    [
      'is made',
      () => {
        throw new Error('a bug')
      },
    ],
    [
      'looks',
      () => ({
        onBytes: () => {
          throw new Error('a bug')
        },
      }),
    ],
  ])('drops an observer that throws when it %s; the bytes go on', async (_when, create) => {
    const sluice = await startWith({ observers: [{ protocol: 'http/1', create }] }, '')
    const peer = await connectTo(sluice.address('in').port)
    peer.send('GET / HTTP/1.1\r\n\r\n')
    await peer.hears('GET / HTTP/1.1\r\n\r\n')
    peer.send('more')
    await peer.hears('more')
    expect(sluice.metric('sluice_observer_dropped_total')).toBe(1)
  })

  test.each([
    [
      'throws',
      () => {
        throw new Error('a bug')
      },
      'filter faulty could not be made: a bug',
    ],
    ['makes no filter', () => ({}), 'filter faulty could not be made: it has no method onConnection'],
  ])('cannot be started where its factory %s', async (_what, create, message) => {
    const filters = [{ name: 'faulty', options: anything, create }]
    await expect(startWith({ filters }, 'faulty')).rejects.toMatchObject({ code: 'SLUICE_FILTER_FAILED', message })
  })

  test('is told which parameter has no token', async () => {
    class Untold {
      readonly given: unknown
      constructor(given: unknown) {
        this.given = given
      }
      onConnection() {
        return 'continue'
      }
    }
    const filters = [{ name: 'faulty', options: anything, use: Untold }]
    await expect(startWith({ filters }, 'faulty')).rejects.toMatchObject({
      code: 'SLUICE_FILTER_FAILED',
      message: expect.stringContaining('Each parameter of its constructor needs @inject(TOKEN)') as string,
    })
  })

  test('may be an object of the overrides; nothing was bound where it is wrong', async () => {
    const sluice = createSluice(
      { listeners: [{ address: '127.0.0.1:0', filters: ['echo'] }] },
      { plugins: [{ name: 'x' } as never] },
    )
    await expect(sluice.start()).rejects.toMatchObject({
      findings: [{ code: 'SLUICE_PLUGIN_INVALID', path: 'overrides.plugins[0]' }],
    })
  })
})
