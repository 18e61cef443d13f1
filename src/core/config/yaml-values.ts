import {
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Alias,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import type { ConfigPath } from './config-path.js'
import { coreScalar } from './core-scalar.js'
import { MAX_CONFIG_VALUES } from './defaults.js'
import { substitute, type Environment } from './environment.js'
import type { Findings } from './findings.js'
import type { Positions } from './positions.js'
import type { ParsedYaml } from './yaml-syntax.js'

/** A value that came, wholly or in part, from the environment. */
export interface EnvironmentValue {
  readonly path: ConfigPath
  /** With `***` for what came from there. */
  readonly masked: string
  readonly variables: readonly string[]
}

export interface YamlValuesOptions {
  readonly environment: Environment
  readonly findings: Findings
  readonly positions: Positions
  /** A good value for the option at a path, for the message about a variable that is not set. */
  exampleFor(path: ConfigPath): string | undefined
}

/** Merge keys are YAML 1.1, but everyone's: yaml.org/type/merge.html. */
const MERGE_KEY = '<<'

/**
 * Makes plain data of a YAML document: aliases and merge keys followed, references to the environment replaced. A plain scalar that
 * is one reference and nothing else is typed as YAML would type its value; in quotes it stays text.
 */
export class YamlValues {
  readonly #options: YamlValuesOptions
  readonly #parsed: ParsedYaml
  readonly #anchors = new Map<string, Node>()
  /** What is being read, to see an anchor that holds itself. */
  readonly #open = new Set<Node>()
  #count = 0
  readonly fromEnvironment: EnvironmentValue[] = []

  constructor(parsed: ParsedYaml, options: YamlValuesOptions) {
    this.#parsed = parsed
    this.#options = options
  }

  read(): unknown {
    const { contents } = this.#parsed.document
    return contents ? this.#value(contents, []) : null
  }

  #value(node: Node | null, path: ConfigPath): unknown {
    if (node === null) return null
    this.#place(node, path)
    if (this.#count++ > MAX_CONFIG_VALUES) return this.#tooLarge(path)
    if (isAlias(node)) return this.#alias(node, path)
    if (node.anchor !== undefined) this.#anchors.set(node.anchor, node)
    if (isScalar(node)) return this.#scalar(node, path)
    this.#open.add(node)
    const value = isSeq(node) ? this.#list(node, path) : isMap(node) ? this.#map(node, path) : null
    this.#open.delete(node)
    return value
  }

  #list(node: YAMLSeq, path: ConfigPath): unknown[] {
    return (node.items as Node[]).map((item, index) => this.#value(item, [...path, index]))
  }

  #map(node: YAMLMap, path: ConfigPath): Record<string, unknown> {
    const map: Record<string, unknown> = {}
    const merged: Node[] = []
    for (const pair of node.items as Pair<Node, Node | null>[]) {
      const { key, value } = pair
      if (isScalar(key) && key.value === MERGE_KEY && key.type === 'PLAIN') {
        if (value) merged.push(value)
        continue
      }
      const name = this.#key(key, path, value)
      if (name === undefined) continue
      if (Object.hasOwn(map, name)) {
        const message = `"${name}" is here twice, and only one can count`
        this.#report('SLUICE_CONFIG_DUPLICATE_KEY', [...path, name], message, key)
        continue
      }
      this.#options.positions.setKey([...path, name], this.#parsed.position(key.range?.[0] ?? 0))
      if (!value) this.#place(key, [...path, name])
      map[name] = this.#value(value, [...path, name])
    }
    for (const value of merged) this.#merge(map, value, path)
    return map
  }

  /** Undefined where it cannot name an option. */
  #key(key: Node, path: ConfigPath, value: Node | null): string | undefined {
    if (isScalar(key) && key.value !== '__proto__') return String(key.value)
    const pair = this.#sourceOf(key, value ?? key)
    const isAddress = /^\[[\d:A-Fa-f.]*\]:\d+$/.test(pair)
    const message = isAddress
      ? `${pair} is a YAML list here: quote it, "${pair}"`
      : `${this.#sourceOf(key, key)} cannot be the name of an option`
    this.#report('SLUICE_CONFIG_SYNTAX', path, message, key)
    if (isAddress) this.#options.findings.spoil(path)
    return undefined
  }

  /** Options of the map itself win over merged ones, earlier merged ones over later. */
  #merge(map: Record<string, unknown>, node: Node, path: ConfigPath): void {
    const values = isSeq(node) ? (node.items as Node[]) : [node]
    for (const each of values) {
      const target = isAlias(each) ? this.#anchors.get(each.source) : each
      if (isAlias(each) && !target) this.#unknownAlias(each, path)
      else if (!isMap(target)) this.#report('SLUICE_CONFIG_ALIAS', path, '<< merges a map, or a list of maps', each)
      else if (this.#open.has(target)) this.#report('SLUICE_CONFIG_ALIAS', path, `this map holds itself`, each)
      else this.#mergeMap(map, target, path)
    }
  }

  #mergeMap(map: Record<string, unknown>, target: YAMLMap, path: ConfigPath): void {
    for (const { key, value } of target.items as Pair<Node, Node | null>[]) {
      if (isScalar(key) && key.value === MERGE_KEY) {
        if (value) this.#merge(map, value, path)
        continue
      }
      const name = this.#key(key, path, value)
      if (name === undefined || Object.hasOwn(map, name)) continue
      this.#options.positions.setKey([...path, name], this.#parsed.position(key.range?.[0] ?? 0))
      map[name] = this.#value(value, [...path, name])
    }
  }

  #alias(node: Alias, path: ConfigPath): unknown {
    const target = this.#anchors.get(node.source)
    if (!target) return this.#unknownAlias(node, path)
    if (this.#open.has(target)) {
      this.#report('SLUICE_CONFIG_ALIAS', path, `*${node.source} stands inside what it stands for`, node)
      this.#options.findings.spoil(path)
      return null
    }
    const value = this.#value(target, path)
    this.#place(node, path)
    return value
  }

  /** Read on as the text that it probably is. */
  #unknownAlias(node: Alias, path: ConfigPath): string {
    const text = `*${node.source}`
    const message = node.source.startsWith('.')
      ? `${text} is a YAML alias here: quote it, "${text}"`
      : `${text} is a YAML alias, and no anchor &${node.source} stands before it; quote it if it is text: "${text}"`
    this.#report('SLUICE_CONFIG_ALIAS', path, message, node)
    this.#options.findings.spoil(path)
    return text
  }

  #scalar(node: Scalar, path: ConfigPath): unknown {
    if (typeof node.value !== 'string' || !node.value.includes('$')) return node.value
    const { text, masked, from, unset, malformed, isWhole } = substitute(node.value, this.#options.environment)
    if (malformed !== undefined) {
      const message = `${malformed} is no reference: write \${NAME} or \${NAME:-default}, and $$ for a dollar`
      this.#report('SLUICE_CONFIG_ENVIRONMENT', path, message, node)
    }
    for (const name of unset) {
      const example = (isWhole ? this.#options.exampleFor(path) : undefined) ?? 'value'
      const message = `${name} is not set; give it a value or a default: \${${name}:-${example}}`
      this.#report('SLUICE_CONFIG_ENVIRONMENT', path, message, node)
    }
    if (malformed !== undefined || unset.length > 0) this.#options.findings.spoil(path)
    if (from.length > 0) this.fromEnvironment.push({ path, masked, variables: from })
    return isWhole && node.type === 'PLAIN' ? coreScalar(text) : text
  }

  #tooLarge(path: ConfigPath): null {
    if (this.#count === MAX_CONFIG_VALUES + 2) {
      const message = `more than ${MAX_CONFIG_VALUES} values, aliases followed`
      this.#options.findings.add('SLUICE_CONFIG_TOO_LARGE', path, message)
    }
    this.#options.findings.spoil([])
    return null
  }

  #place(node: Node, path: ConfigPath): void {
    this.#options.positions.setValue(path, this.#parsed.position(node.range?.[0] ?? 0))
  }

  #report(code: string, path: ConfigPath, message: string, node: Node): void {
    this.#options.findings.addAt(code, path, message, this.#parsed.position(node.range?.[0] ?? 0))
  }

  #sourceOf(from: Node, to: Node): string {
    return this.#parsed.source(from.range?.[0] ?? 0, to.range?.[1] ?? 0)
  }
}
