import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { injectManifest } from '../../src/kubernetes/inject-manifest.js'
import { uninjectManifest } from '../../src/kubernetes/uninject-manifest.js'
import { kubernetesObjects, schemaProblems } from '../kubernetes/kubernetes-objects.js'
import { testContext } from '../kubernetes/test-context.js'
import { lineDiff } from '../support/line-diff.js'

const FOLDER = new URL('../../deploy/kubernetes/', import.meta.url)

describe.each(readdirSync(FOLDER))('deploy/kubernetes/%s', (name) => {
  const text = readFileSync(new URL(name, FOLDER), 'utf8')

  test('is valid, before and after it is injected', () => {
    for (const each of [text, injectManifest(text, testContext()).text]) {
      const objects = kubernetesObjects(each)
      expect(objects.length).toBe(each.split(/^---$/m).length)
      for (const object of objects)
        expect([object.metadata?.name, schemaProblems(object)]).toEqual([object.metadata?.name, []])
    }
  })

  test('gets a sidecar beside each workload by added lines alone, and gives them back', () => {
    const { text: injected, results } = injectManifest(text, testContext())
    const workloads = results.filter(({ kind }) => !['Namespace', 'Service'].includes(kind!))
    expect(workloads.every(({ skipped }) => skipped === undefined)).toBe(true)
    expect(injected.match(/- name: sluice-proxy/g)).toHaveLength(workloads.length)
    expect(lineDiff(text, injected).removed).toEqual([])
    expect(uninjectManifest(injected).text).toBe(text)
  })
})
