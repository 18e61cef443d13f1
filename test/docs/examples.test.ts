import { readdirSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { isMap, isSeq, parseDocument, type YAMLMap } from 'yaml'
import { loadConfig } from '../../src/core/config/load-config.js'
import { registryOf } from '../../src/core/config/registry.js'
import { ORIGINAL_DESTINATIONS } from '../../src/core/tokens.js'
import { builtIns } from '../../src/plugins/built-ins.js'
import { createSluice } from '../../src/sluice.js'
import { freePort } from '../support/free-port.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { fencesOf, pages, read } from './pages.js'

const registry = registryOf([builtIns])
/** A part of a configuration, which cannot be loaded by itself. */
const FRAGMENT = 'yaml fragment'

const configFiles = readdirSync(new URL('../../config/', import.meta.url)).filter((name) => name.endsWith('.yaml'))
/** Each block of these is a file of examples/, which code-blocks.test.ts holds it against, and which runs there. */
const GUIDES = ['docs/guide/write-a-sniffer.md', 'docs/guide/write-a-filter.md', 'docs/guide/use-in-tests.md']
const others = pages().filter((page) => !GUIDES.includes(page))
const yamlFences = others.flatMap((page) => fencesOf(page, 'yaml'))
const tsFences = others.flatMap((page) => fencesOf(page, 'ts'))

function errorsOf(yaml: string): string[] {
  const { findings } = loadConfig(yaml, registry, { environment: {} })
  return findings.filter(({ severity }) => severity === 'error').map(({ path, message }) => `${path}: ${message}`)
}

describe('YAML on the pages', () => {
  test('is there, in the README too', () => {
    expect(yamlFences.filter(({ at }) => at.startsWith('README.md'))).not.toEqual([])
    expect(yamlFences.length).toBeGreaterThan(10)
  })

  test.each(yamlFences.filter(({ info }) => info !== FRAGMENT))('$at is a whole configuration that loads', (fence) => {
    // What is none says so behind its backticks.
    expect(fence.info).toBe('yaml')
    expect(errorsOf(fence.text)).toEqual([])
  })

  const fragments = yamlFences.filter(({ info }) => info === FRAGMENT)
  test('that is a fragment parses', () => {
    for (const { at, text } of fragments) expect([at, parseDocument(text).errors]).toEqual([at, []])
  })
})

describe('a file of config/', () => {
  test.each(configFiles)('%s has no errors as it is', (name) => {
    expect(errorsOf(read(`config/${name}`))).toEqual([])
  })

  test.each(configFiles)('%s starts, takes a connection on each listener, and stops', async (name) => {
    const nowhere = { host: '127.0.0.1', port: await freePort() }
    // As if rules had brought the connections: a direct one is refused. test/e2e/sidecar.test.ts has the rules.
    const providers = [{ token: ORIGINAL_DESTINATIONS, value: { of: () => nowhere } }]
    const sluice = await createSluice(await withFreePorts(name), { providers }).start()
    onTestFinished(() => sluice.stop())
    for (const listener of sluice.config.listeners) {
      const closed = sluice.nextClose(listener.name)
      const { port } = sluice.address(listener.name)
      // Its servers are not here: what counts is that the chain ran, whatever came of it.
      const client = connect(port, '127.0.0.1').on('error', () => {})
      onTestFinished(() => void client.destroy())
      client.resume().end('GET / HTTP/1.1\r\nhost: example.com\r\n\r\n')
      const { connection } = await closed
      const steps = sluice.closedTraces().find(({ summary }) => summary.connection === connection)!.steps
      expect(steps[0]!.step).toBe('accept')
      expect(steps.find(({ verdict }) => verdict !== '')?.step).toBe(listener.filters[0]!.definition.name)
    }
    await sluice.stop()
    expect(sluice.connections()).toEqual([])
  })
})

/** A copy of the file, with every address that it listens on replaced by a free port of 127.0.0.1. References stay as they are. */
async function withFreePorts(name: string): Promise<string> {
  const document = parseDocument(read(`config/${name}`))
  const listeners = document.get('listeners')
  if (!isSeq<YAMLMap>(listeners)) throw new TypeError(`config/${name} has no listeners`)
  listeners.items.forEach((listener, index) => {
    listener.set('address', '127.0.0.1:0')
    // Without one its address would be its name, and two of them the same.
    if (!listener.has('name')) listener.set('name', `listener-${index}`)
  })
  const admin = document.get('admin')
  if (isMap(admin)) admin.set('address', '127.0.0.1:0')
  const folder = await temporaryFolder('config')
  onTestFinished(() => folder.remove())
  const path = join(folder.path, name)
  await writeFile(path, document.toString({ lineWidth: 0 }))
  return path
}

describe('TypeScript on the pages', () => {
  test('is there, in the README', () => {
    expect(tsFences.filter(({ at }) => at.startsWith('README.md'))).not.toEqual([])
  })

  // The files are compiled, linted and run with the other tests: the page cannot go stale.
  test.each(tsFences)('$at is the file that the line before names', ({ before, text }) => {
    const file = /^<!-- same as (test\/docs\/[\w.-]+\.ts) -->$/.exec(before)?.[1]
    expect(file, 'a line <!-- same as test/docs/NAME.ts --> before it').toBeDefined()
    expect(text).toBe(asPublished(read(file!)))
  })
})

/** As a program outside this repository writes it. */
function asPublished(source: string): string {
  return source.replaceAll(`'../../src/index.js'`, `'sluice'`)
}
