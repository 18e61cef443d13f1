import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { injectionReport } from '../../src/cli/injection-report.js'
import { injectManifest } from '../../src/kubernetes/inject-manifest.js'
import { uninjectManifest } from '../../src/kubernetes/uninject-manifest.js'
import { lineDiff } from '../support/line-diff.js'
import { kubernetesObjects, schemaProblems } from './kubernetes-objects.js'
import { testContext } from './test-context.js'

const MANIFESTS = new URL('../fixtures/manifests/', import.meta.url)
/** What is to come out, byte for byte. With UPDATE_FIXTURES=1 it is written anew: read the diff before you commit it. */
const INJECTED = new URL('../fixtures/injected/', import.meta.url)
const isUpdate = process.env['UPDATE_FIXTURES'] === '1'

const names = readdirSync(MANIFESTS)
const port = (number: number) => ({ from: number, to: number })
/** What all are injected with: as in Linkerd's example, and with all that can be added to a pod. */
const FLAGS = { skipOutboundPorts: [port(4406)] }
const ALL_FLAGS = { ...FLAGS, nativeSidecar: true, opaquePorts: [port(4222)] }

/**
 * Lines of the manifests that are not there any more: those that hold a whole collection, in brackets, as a null or as an alias, which
 * no line can be added to. For all other manifests it is none.
 */
const CHANGED_LINES: Readonly<Record<string, number>> = {
  'anchors-annotations.yaml': 1,
  'clashes.yaml': 1,
  'deployment-empty-lists.json': 2,
  'deployment-nulls.json': 2,
  'deployment-on-one-line.json': 1,
  'disabled.yaml': 1,
  'empty-collections.yaml': 2,
  'flow-brackets-in-odd-places.yaml': 2,
  'flow-style.yaml': 2,
  'flow-trailing-comma.yaml': 3,
  'generate-name.yaml': 1,
  'list-of-lists.yaml': 1,
  'native-on-the-workload.yaml': 1,
  'nulls.yaml': 4,
  'pod-that-ends.yaml': 1,
  'several-documents.yaml': 2,
  'udp.yaml': 1,
}

/** Manifests that came injected, and those that they were before. */
const ALREADY_INJECTED: Readonly<Record<string, string>> = {
  'already-injected.yaml': 'deployment.yaml',
  'already-injected.json': 'deployment-tabs.json',
  'already-injected-native.yaml': 'native-on-the-workload.yaml',
}

function read(folder: URL, name: string): string {
  return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(readFileSync(new URL(name, folder)))
}

function expectFile(name: string, text: string): void {
  if (isUpdate) writeFileSync(new URL(name, INJECTED), text)
  expect(text).toBe(read(INJECTED, name))
}

test('the manifests are many, and each has what is to come out of it', () => {
  expect(names.length).toBeGreaterThanOrEqual(40)
  if (!isUpdate)
    expect(readdirSync(INJECTED).toSorted()).toEqual(names.flatMap((name) => [name, `${name}.report`]).toSorted())
})

describe.each(names)('%s', (name) => {
  const text = read(MANIFESTS, name)

  test('is injected as it was before, and reported', () => {
    const { text: injected, results } = injectManifest(text, testContext(FLAGS))
    expectFile(name, injected)
    expectFile(`${name}.report`, injectionReport(results))
  })

  test.each([FLAGS, ALL_FLAGS])('injected again nothing changes, uninjected the same bytes are back (%#)', (flags) => {
    const { text: injected, results } = injectManifest(text, testContext(flags))
    const again = injectManifest(injected, testContext(flags))
    expect(again.text).toBe(injected)
    expect(again.results.filter(({ skipped }) => skipped === undefined)).toEqual([])
    const { text: uninjected, results: taken } = uninjectManifest(injected)
    const before = readFileSync(new URL(ALREADY_INJECTED[name] ?? name, MANIFESTS))
    expect(Buffer.from(uninjected).equals(before)).toBe(true)
    // What is reported as injected, is what is reported as uninjected.
    const haveOne = results.map(({ skipped }) => skipped === undefined || skipped === 'already-injected')
    expect(taken.map(({ isUninjected }) => isUninjected)).toEqual(haveOne)
  })

  test('a diff shows added lines only', () => {
    const injected = injectManifest(text, testContext(FLAGS))
    const { removed, added } = lineDiff(text, injected.text)
    expect(removed.length).toBe(CHANGED_LINES[name] ?? 0)
    for (const line of removed) expect(line).toMatch(/[\]}]|null|~|Null|\*/)
    expect(added.length > 0).toBe(injected.results.some(({ skipped }) => skipped === undefined))
    if (Object.hasOwn(ALREADY_INJECTED, name)) expect(added).toEqual([])
  })

  test.each([FLAGS, ALL_FLAGS])(
    'what comes out are the same objects, valid by the types of Kubernetes (%#)',
    (flags) => {
      const { text: injected } = injectManifest(text, testContext(flags))
      const objects = kubernetesObjects(injected)
      for (const object of objects)
        expect([object.metadata?.name, schemaProblems(object)]).toEqual([object.metadata?.name, []])
      const kinds = (all: typeof objects) => all.map(({ kind }) => kind)
      expect(kinds(objects)).toEqual(kinds(kubernetesObjects(text)))
    },
  )
})
