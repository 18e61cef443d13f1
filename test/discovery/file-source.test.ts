import { execFile } from 'node:child_process'
import { appendFile, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { EndpointConfig } from '../../src/core/config/config.js'
import { silentLog } from '../../src/core/log.js'
import { FileSource, MAX_FILE_BYTES } from '../../src/discovery/file-source.js'
import { AnnouncingClock } from '../support/announcing-clock.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { turns } from '../support/start-sluice.js'
import { until } from '../support/until.js'

/** How long a source waits until those who write have finished, and after how long it looks by itself. */
const SETTLE_MS = 50
const POLL_MS = 10_000

class Watched {
  readonly clock = new AnnouncingClock()
  readonly sets: (readonly EndpointConfig[])[] = []
  readonly folder: string
  readonly source: FileSource

  constructor(folder: string, more: { readonly weight?: number; readonly maxConnections?: number } = {}) {
    this.folder = folder
    const share = { weight: more.weight, maxConnections: more.maxConnections }
    const path = join(folder, 'endpoints.yaml')
    this.source = new FileSource({ kind: 'file', path, ...share }, { clock: this.clock, log: silentLog })
    onTestFinished(() => this.source.stop())
  }

  get path(): string {
    return join(this.folder, 'endpoints.yaml')
  }

  get last(): string[] | undefined {
    return this.sets.at(-1)?.map(({ host, port }) => `${host}:${port}`)
  }

  async start(): Promise<this> {
    await this.source.start((endpoints) => void this.sets.push(endpoints))
    return this
  }

  /** Lets a change that was made be noticed: by its event. */
  async noticed(): Promise<void> {
    await this.clock.isAskedFor(SETTLE_MS)
    this.clock.advance(SETTLE_MS)
  }

  async write(text: string): Promise<void> {
    await writeFile(`${this.path}.new`, text)
    await rename(`${this.path}.new`, this.path)
  }

  async becomes(...endpoints: string[]): Promise<void> {
    await this.until(() => this.last?.join() === endpoints.join())
  }

  /** Settles when this holds; whatever happens to the folder is taken as it comes. */
  async until(holds: () => boolean): Promise<void> {
    await until(() => {
      if (this.clock.pending.includes(SETTLE_MS)) this.clock.advance(SETTLE_MS)
      return holds()
    })
  }
}

async function emptyFolder(): Promise<string> {
  const folder = await temporaryFolder('endpoints')
  onTestFinished(() => folder.remove())
  return folder.path
}

describe('a file of endpoints', () => {
  test.each([
    ['YAML', '- 10.0.0.1:80\n- { address: "[fd00::1]:81", weight: 4, maxConnections: 9 }\n'],
    [
      'YAML under a name',
      'endpoints:\n  - 10.0.0.1:80\n  - { address: "[fd00::1]:81", weight: 4, maxConnections: 9 }\n',
    ],
    ['JSON', '["10.0.0.1:80", {"address":"[fd00::1]:81","weight":4,"maxConnections":9}]'],
  ])('is read as %s', async (_, text) => {
    const watched = new Watched(await emptyFolder(), { weight: 2, maxConnections: 5 })
    await watched.write(text)
    await watched.start()
    expect(watched.sets).toEqual([
      [
        { host: '10.0.0.1', port: 80, weight: 2, maxConnections: 5 },
        { host: 'fd00::1', port: 81, weight: 8, maxConnections: 9 },
      ],
    ])
    expect(watched.source.problem).toBeUndefined()
  })

  test('is read again when another is moved to its name', async () => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await watched.write('[10.0.0.2:80]')
    await watched.becomes('10.0.0.2:80')
  })

  test('is read again when it is written in place', async () => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await writeFile(watched.path, '[10.0.0.3:80]')
    await watched.becomes('10.0.0.3:80')
  })

  test('is read again when Kubernetes swaps the ConfigMap that it is mounted from', async () => {
    const folder = await emptyFolder()
    const version = async (name: string, text: string): Promise<void> => {
      await mkdir(join(folder, name))
      await writeFile(join(folder, name, 'endpoints.yaml'), text)
      await symlink(name, join(folder, '..data_tmp'))
      await rename(join(folder, '..data_tmp'), join(folder, '..data'))
    }
    await version('..2026_1', '[10.0.0.1:80]')
    await symlink('..data/endpoints.yaml', join(folder, 'endpoints.yaml'))
    const watched = await new Watched(folder).start()
    expect(watched.last).toEqual(['10.0.0.1:80'])
    await version('..2026_2', '[10.0.0.2:80]')
    await rm(join(folder, '..2026_1'), { recursive: true })
    await watched.becomes('10.0.0.2:80')
  })

  test('keeps the last set when it is deleted, and takes the next when it is back', async () => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await rm(watched.path)
    await watched.until(() => watched.source.problem?.includes('ENOENT') ?? false)
    expect(watched.last).toEqual(['10.0.0.1:80'])
    await watched.write('[10.0.0.2:80]')
    await watched.becomes('10.0.0.2:80')
    expect(watched.source.problem).toBeUndefined()
  })

  test.each([
    ['nothing', ''],
    ['no YAML', '{ ['],
    ['something else', 'endpoints: { a: 1 }'],
    ['an entry without a port', '[10.0.0.1]'],
    ['an option that is none', '- { address: "10.0.0.1:80", wait: 3 }'],
    ['a weight of zero', '- { address: "10.0.0.1:80", weight: 0 }'],
    ['an alias', '- &a 10.0.0.1:80\n- *a'],
    ['too many', JSON.stringify(Array.from({ length: 1_001 }, (_, i) => `10.0.0.1:${i + 1}`))],
    ['too much', `[10.0.0.1:80] #${'x'.repeat(MAX_FILE_BYTES)}`],
  ])('keeps the last set when there is %s in it', async (_, text) => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await watched.write(text)
    await watched.until(() => watched.source.problem !== undefined)
    expect(watched.sets).toHaveLength(1)
    await watched.write('[10.0.0.1:80]')
    await watched.until(() => watched.source.problem === undefined)
  })

  test('may be empty: then there is no endpoint', async () => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await watched.write('[]')
    await watched.becomes()
    expect(watched.source.problem).toBeUndefined()
  })

  test('may come later, with its folder: it is looked for now and then', async () => {
    const folder = join(await emptyFolder(), 'later')
    const watched = await new Watched(folder).start()
    expect(watched.sets).toEqual([])
    expect(watched.source.problem).toContain('ENOENT')
    await mkdir(folder)
    await writeFile(watched.path, '[10.0.0.1:80]')
    watched.clock.advance(POLL_MS)
    await until(() => watched.sets.length > 0)
    await watched.write('[10.0.0.2:80]')
    await watched.becomes('10.0.0.2:80')
  })

  test('is read when who writes it in place has been silent for a moment, and not half-written', async () => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await writeFile(watched.path, '- 10.0.0.2:80\n- 10.0.0.3:8')
    await watched.clock.isAskedFor(SETTLE_MS)
    watched.clock.advance(SETTLE_MS - 1)
    await appendFile(watched.path, '080\n')
    await watched.becomes('10.0.0.2:80', '10.0.0.3:8080')
    expect(watched.sets).toHaveLength(2)
  })

  test('is read at last where somebody writes into its folder all the time', async () => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await watched.write('[10.0.0.2:80]')
    for (let ms = 0; watched.sets.length === 1; ms += SETTLE_MS - 1) {
      expect(ms).toBeLessThan(POLL_MS)
      await until(() => watched.clock.pending[0]! <= SETTLE_MS || watched.sets.length > 1)
      await writeFile(join(watched.folder, 'other'), String(ms))
      await turns()
      watched.clock.advance(SETTLE_MS - 1)
      await turns()
    }
    expect(watched.last).toEqual(['10.0.0.2:80'])
  })

  test('is watched again when its folder is replaced', async () => {
    const folder = join(await emptyFolder(), 'mounted')
    await mkdir(folder)
    const watched = new Watched(folder)
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await rename(folder, `${folder}.old`)
    await mkdir(folder)
    await watched.write('[10.0.0.2:80]')
    watched.clock.advance(POLL_MS)
    await watched.becomes('10.0.0.2:80')
    const before = watched.clock.now()
    await watched.write('[10.0.0.3:80]')
    await watched.becomes('10.0.0.3:80')
    expect(watched.clock.now() - before).toBeLessThan(POLL_MS)
  })

  test('that is none, a pipe or a device, keeps nobody waiting', async () => {
    const folder = await emptyFolder()
    const watched = await new Watched(folder).start()
    await promisify(execFile)('mkfifo', [watched.path])
    await watched.until(() => watched.source.problem?.includes('not a file') ?? false)
    await symlink('/dev/zero', `${watched.path}.new`)
    await rename(`${watched.path}.new`, watched.path)
    await watched.write('[10.0.0.1:80]')
    await watched.becomes('10.0.0.1:80')
  })

  test('says what is odd in it to nobody but the log', async () => {
    const said: unknown[] = []
    const hear = (warning: Error): void => void said.push(warning)
    process.on('warning', hear)
    onTestFinished(() => void process.off('warning', hear))
    const watched = new Watched(await emptyFolder())
    await watched.write('!odd [10.0.0.1:80]')
    await watched.start()
    await new Promise((resolve) => setImmediate(resolve))
    expect(said).toEqual([])
  })

  test('says nothing where the same is written again', async () => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    await watched.write('[10.0.0.1:80]')
    await watched.noticed()
    await watched.write('[10.0.0.2:80]')
    await watched.becomes('10.0.0.2:80')
    expect(watched.sets).toHaveLength(2)
  })

  test('leaves nothing behind when it stops', async () => {
    const watched = new Watched(await emptyFolder())
    await watched.write('[10.0.0.1:80]')
    await watched.start()
    watched.source.stop()
    expect(watched.clock.pending).toEqual([])
  })
})
