import { describe, expect, test } from 'vitest'
import { injectManifest } from '../../src/kubernetes/inject-manifest.js'
import { ManifestError } from '../../src/kubernetes/manifest.js'
import { uninjectManifest } from '../../src/kubernetes/uninject-manifest.js'
import { testContext } from './test-context.js'

function list(...items: string[]): string {
  const indented = items.map((item) => `- ${item.trimEnd().split('\n').join('\n  ')}\n`)
  return `kind: List\napiVersion: v1\nitems:\n${indented.join('')}`
}

function pod(name: string, spec: string, metadata = ''): string {
  return `kind: Pod\napiVersion: v1\nmetadata:\n  name: ${name}\n${metadata}spec:\n${spec}`
}

const CONTAINERS = '  containers:\n  - name: x\n    image: x\n'

function problemsOf(text: string, flags = {}): string[] {
  try {
    injectManifest(text, testContext(flags))
  } catch (error) {
    if (error instanceof ManifestError) return error.message.split('\n')
    throw error
  }
  return []
}

function roundTrip(text: string, flags = {}): string {
  const { text: injected } = injectManifest(text, testContext(flags))
  expect(uninjectManifest(injected).text).toBe(text)
  return injected
}

describe('what two workloads share by an anchor', () => {
  test('is edited once: a list of init containers', () => {
    const inits = '  initContainers: &inits\n  - name: i\n    image: i\n'
    const text = list(pod('a', inits + CONTAINERS), pod('b', `  initContainers: *inits\n${CONTAINERS}`))
    const injected = roundTrip(text)
    expect(injected.match(/name: sluice-init/g)).toHaveLength(1)
    expect(injected.match(/name: sluice-proxy/g)).toHaveLength(2)
  })

  test('is edited once: annotations, those behind the alias in a map of its own', () => {
    const notes = '  annotations: &notes\n    a: b\n'
    const injected = roundTrip(list(pod('a', CONTAINERS, notes), pod('b', CONTAINERS, '  annotations: *notes\n')))
    expect(injected).toMatch(/annotations: \{"sluice.dev\/created-by".*, <<: \*notes \}/)
  })

  test('cannot need two different things', () => {
    const inits = '  initContainers: &inits\n  - name: i\n    image: i\n'
    const other = '  annotations:\n    config.sluice.dev/skip-outbound-ports: "1"\n'
    const text = list(pod('a', inits + CONTAINERS), pod('b', `  initContainers: *inits\n${CONTAINERS}`, other))
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^\d+:\d+ workloads that need something different share this/),
    ])
  })

  test('cannot be shared with what gets no sidecar', () => {
    const text = list(
      pod('a', `  containers: &containers\n  - name: x\n    image: x\n`),
      'kind: Rollout\napiVersion: example.com/v1\nspec:\n  containers: *containers\n',
    )
    expect(problemsOf(text)).toEqual([
      expect.stringMatching(/^15:17 what the anchor &containers names is used here too/),
    ])
    // A native sidecar leaves that list alone.
    roundTrip(text, { nativeSidecar: true })
  })

  test('is left alone where the anchor is no part of what is edited', () => {
    roundTrip(list(pod('a', '  containers:\n  - &c\n    name: x\n    image: x\n'), pod('b', '  containers:\n  - *c\n')))
  })
})

describe('what comes from a merge key', () => {
  test('cannot be added to', () => {
    const text = list(pod('a', `  <<: &base\n    containers:\n    - name: x\n      image: x\n  hostname: h\n`))
    expect(problemsOf(text)).toEqual([expect.stringMatching(/"containers" comes from a merge key \(<<\)/)])
  })

  test('is no matter where nothing is added to it', () => {
    roundTrip(list(pod('a', `  <<: &base\n    hostname: h\n${CONTAINERS}`)))
  })
})

describe('a manifest that cannot be understood', () => {
  test.each([
    ['an anchor that is not there', pod('a', '  containers: *none\n'), /there is no anchor "none"/],
    ['two keys of one name', `${pod('a', CONTAINERS)}spec: {}\n`, /unique/],
    [
      'a key without value in brackets',
      pod('a', CONTAINERS).replace('metadata:\n  name: a', 'metadata: {name: a, annotations}'),
      /"annotations" has no value/,
    ],
    [
      'a list where a map belongs',
      pod('a', CONTAINERS, '  annotations:\n  - a\n'),
      /expected a map at "metadata.annotations"/,
    ],
    [
      'more aliases than anything needs',
      `a: &a [1]\nb: &b [${'*a,'.repeat(200)}]\nc: [${'*b,'.repeat(200)}]\n`,
      /alias/i,
    ],
  ])('is an error: %s', (_what, text, message) => {
    expect(problemsOf(text)).toEqual([expect.stringMatching(message)])
  })

  test('has all its errors said at once', () => {
    const wrong = '  annotations:\n    config.sluice.dev/inbound-port: "0"\n'
    expect(problemsOf(list(pod('a', CONTAINERS, wrong), pod('b', CONTAINERS, wrong)))).toHaveLength(2)
  })
})
