import { seededRandom } from '../support/seeded-random.js'

/** A manifest with a workload, laid out at random: what it says, and how. */
export interface RandomManifest {
  readonly text: string
  /** Whether every collection is spread over lines, so that lines are all that has to be added. */
  readonly isAllBlock: boolean
}

type Data = string | number | boolean | readonly Data[] | { readonly [key: string]: Data }

/** Indentation, comments, blank lines, quotes, order of keys, flow style, line ends: all by one seed. */
export function randomManifest(seed: number, style: 'block' | 'mixed'): RandomManifest {
  const random = seededRandom(seed)
  const layout = new Layout(random, style === 'mixed' ? 0.15 : 0)
  const documents = Array.from({ length: 1 + Math.floor(random() * 3) }, () => layout.document(workload(random)))
  const newline = random() < 0.25 ? '\r\n' : '\n'
  const separators = ['---\n', '---\n', '--- # next\n', '...\n---\n', '---\n# leading comment\n']
  let text = random() < 0.3 ? '---\n' : ''
  documents.forEach((document, index) => {
    if (index > 0) text += separators[Math.floor(random() * separators.length)]!
    text += document
  })
  if (random() < 0.3) text = text.replace(/\n$/, '')
  if (random() < 0.1) text = `\uFEFF${text}`
  return { text: text.replaceAll('\n', newline), isAllBlock: !layout.usedFlow }
}

function workload(random: () => number): Data {
  const chance = (probability: number): boolean => random() < probability
  const container = (name: string): Data => ({
    name,
    image: `example.com/${name}:1`,
    ...(chance(0.3) && { args: ['run', 'with: colon', '# no comment', '- no item', 'line\nand line\n'] }),
    ...(chance(0.3) && { ports: [{ containerPort: 8080, name: 'http' }] }),
    ...(chance(0.2) && { env: [{ name: 'A', value: 'yes' }] }),
  })
  const template = {
    metadata: {
      labels: { app: 'web', tier: 'on' },
      ...(chance(0.5) && { annotations: { note: 'text', ...(chance(0.3) && { script: 'a\n\n  b\n' }) } }),
    },
    spec: {
      containers: ['web', ...(chance(0.4) ? ['worker'] : [])].map(container),
      ...(chance(0.4) && { initContainers: ['setup', ...(chance(0.3) ? ['more'] : [])].map(container) }),
      ...(chance(0.4) && { volumes: [{ name: 'tmp', emptyDir: { medium: 'Memory' } }] }),
      ...(chance(0.3) && { serviceAccountName: 'web' }),
    },
  }
  const kind = ['Deployment', 'Pod', 'CronJob', 'Job', 'Service', 'List'][Math.floor(random() * 6)]!
  if (kind === 'Pod')
    return { apiVersion: 'v1', kind, metadata: { name: 'p', ...template.metadata }, spec: template.spec }
  if (kind === 'Service') return { apiVersion: 'v1', kind, metadata: { name: 's' }, spec: { ports: [{ port: 80 }] } }
  if (kind === 'List') return { apiVersion: 'v1', kind, items: [workload(random), workload(random)] }
  const group = kind === 'Deployment' ? 'apps/v1' : 'batch/v1'
  const spec: Data = kind === 'CronJob' ? { schedule: '0 5 * * *', jobTemplate: { spec: { template } } } : { template }
  return { apiVersion: group, kind, metadata: { name: kind.toLowerCase() }, spec }
}

class Layout {
  readonly #random: () => number
  readonly #flowProbability: number
  usedFlow = false

  constructor(random: () => number, flowProbability: number) {
    this.#random = random
    this.#flowProbability = flowProbability
  }

  document(data: Data): string {
    return this.#block(data, '').join('\n') + '\n'
  }

  #chance(probability: number): boolean {
    return this.#random() < probability
  }

  #width(from: number, to: number): string {
    return ' '.repeat(from + Math.floor(this.#random() * (to - from + 1)))
  }

  /** Lines of a map or a list. */
  #block(data: Data, indent: string): string[] {
    if (Array.isArray(data)) return (data as readonly Data[]).flatMap((item) => this.#item(item, indent))
    const entries = Object.entries(data as Record<string, Data>)
    if (this.#chance(0.3)) entries.reverse()
    return entries.flatMap(([key, value]) => this.#entry(key, value, indent))
  }

  #item(item: Data, indent: string): string[] {
    const between = this.#between(indent)
    if (typeof item !== 'object') return [...between, ...this.#value(`${indent}-${this.#width(1, 3)}`, item, indent)]
    if (this.#chance(this.#flowProbability)) return [...between, `${indent}- ${this.#flow(item)}`]
    const gap = this.#width(1, 4)
    const lines = this.#block(item, `${indent} ${gap}`)
    const first = lines.findIndex((line) => line.trim() !== '' && !line.trim().startsWith('#'))
    // Either the first entry is on the line of the dash, or the dash has a line of its own.
    if (this.#chance(0.2)) return [...between, `${indent}-${this.#comment()}`, ...lines]
    lines[first] = `${indent}-${gap}${lines[first]!.slice(indent.length + 1 + gap.length)}`
    return [...between, ...lines.slice(first)]
  }

  #entry(key: string, value: Data, indent: string): string[] {
    const between = this.#between(indent)
    const written = this.#chance(0.1) ? JSON.stringify(key) : key
    if (typeof value !== 'object') return [...between, ...this.#value(`${indent}${written}: `, value, indent)]
    if (this.#chance(this.#flowProbability))
      return [...between, `${indent}${written}: ${this.#flow(value)}${this.#comment()}`]
    // Lists may stand in the column of their key, maps not.
    const inner = indent + this.#width(Array.isArray(value) ? 0 : 1, 5)
    return [...between, `${indent}${written}:${this.#comment()}`, ...this.#block(value, inner)]
  }

  #value(before: string, value: string | number | boolean, indent: string): string[] {
    if (typeof value !== 'string') return [`${before}${value}${this.#comment()}`]
    if (value.includes('\n') && this.#chance(0.7)) {
      const inner = `${indent}${this.#width(1, 4)} `
      return [
        `${before}|`,
        ...value
          .replace(/\n$/, '')
          .split('\n')
          .map((line) => (line === '' ? '' : inner + line)),
      ]
    }
    const isPlain =
      /^[a-z][\w./:-]*$/i.test(value) && !/^(yes|no|on|off|y|n|true|false)$/i.test(value) && !value.endsWith(':')
    return [`${before}${isPlain && this.#chance(0.7) ? value : JSON.stringify(value)}${this.#comment()}`]
  }

  /** On one line, or over lines. */
  #flow(data: Data): string {
    this.usedFlow = true
    const text = JSON.stringify(data)
    return this.#chance(0.5) ? text : text.replaceAll('","', '", "').replaceAll('":', '": ').replaceAll('}]', '} ]')
  }

  #comment(): string {
    return this.#chance(0.2) ? `${this.#width(1, 3)}# ${this.#chance(0.5) ? 'comment' : '- name: none'}` : ''
  }

  #between(indent: string): string[] {
    const lines: string[] = []
    if (this.#chance(0.08)) lines.push(this.#chance(0.5) ? '' : '   ')
    if (this.#chance(0.12)) lines.push(`${this.#chance(0.7) ? indent : this.#width(0, 9)}# between: {`)
    return lines
  }
}
