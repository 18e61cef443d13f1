import { expect, test } from 'vitest'
import { Manifest } from '../../src/kubernetes/manifest.js'

const dataOf = (text: string): unknown[] => new Manifest(text).documents.map(({ data }) => data)

test('scalars are read as Kubernetes reads them: YAML 1.1, without its times', () => {
  const text = 'a: yes\nb: "yes"\nc: 0644\nd: 12:30\ne: 2026-01-02\n".": 1\nf: .5\ng: 1.\nh: ~\ni: 1_000\n'
  expect(dataOf(text)).toEqual([
    { a: true, b: 'yes', c: 420, d: '12:30', e: '2026-01-02', '.': 1, f: 0.5, g: 1, h: null, i: 1000 },
  ])
})

test('a dot is a key, as in the managed fields of a cluster', () => {
  expect(dataOf('.: {}\nk: .\n')).toEqual([{ '.': {}, k: '.' }])
})

test('documents are those of the text, empty ones too', () => {
  expect(dataOf('a: 1\n---\n---\nb: 2\n...\n')).toEqual([{ a: 1 }, null, { b: 2 }])
  expect(dataOf('# nothing\n')).toEqual([])
})

test('what two aliases share in the text are two objects in the data', () => {
  const [data] = dataOf('a: &x {k: 1}\nb: *x\n') as { a: object; b: object }[]
  expect(data!.a).toEqual(data!.b)
  expect(data!.a).not.toBe(data!.b)
})
