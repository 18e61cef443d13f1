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

test('JSON values one behind the other are documents, and errors in them are where they are', () => {
  expect(dataOf('{"a": "}"}\n {"b": "\\"{"}{"c": {}}\n')).toEqual([{ a: '}' }, { b: '"{' }, { c: {} }])
  const { documents } = new Manifest('{"a": 1}\n{"b": 2}\n')
  expect(documents[1]!.problemAt(documents[1]!.document.contents!, 'here')).toEqual({
    line: 2,
    column: 1,
    message: 'here',
  })
})

test('of a text that is no YAML behind some place, only the first problem is said', () => {
  expect(() => new Manifest('{"a": 1}\n{"b": 2, "c": [3, 4]}\n{')).toThrow(/^2:1 [^\n]*$/)
})

test('whole numbers that JSON of this program would change are told', () => {
  const { documents } = new Manifest(
    'a: 1234567890123456789\nb: 9007199254740991\nc: "12345678901234567890"\nd: 1e30\n',
  )
  expect(documents[0]!.inexactNumbers()).toEqual([
    { line: 1, column: 4, message: '1234567890123456789 has more digits than can be written as JSON here: quote it' },
  ])
})

test('what two aliases share in the text are two objects in the data', () => {
  const [data] = dataOf('a: &x {k: 1}\nb: *x\n') as { a: object; b: object }[]
  expect(data!.a).toEqual(data!.b)
  expect(data!.a).not.toBe(data!.b)
})
