import { isDeepStrictEqual } from 'node:util'
import { isAlias, isMap, isScalar, isSeq, type Node, type YAMLMap, type YAMLSeq } from 'yaml'
import { itemOf, type ManifestDocument, ManifestError, type Place } from './manifest.js'
import { mergedProblem } from './pod-template.js'
import { insertLines, SourceItem } from './source-collection.js'
import { nextLineStart, type SourceEdit } from './source-edit.js'
import { type NewEntry, writeBlock, writeFlow, writeFlowEntry } from './write-entries.js'

/**
 * How a place looked before, in the annotation that undoing reads: nothing where the collection was there; the key where it was not;
 * `key=null` where it was written so; `key=*` where it was an alias that became a map with that alias merged in.
 */
export type Trace = string | undefined

interface Additions {
  readonly entries: readonly NewEntry[]
  readonly at: 'first' | 'last'
}

/** Collects what is added to one document, and makes edits of it. Throws a ManifestError where that would change something else too. */
export class DocumentEdits {
  readonly #document: ManifestDocument
  /** Every node that leads to a place of a workload that is injected, as written. An edit below any other would show elsewhere. */
  readonly #ways: ReadonlySet<Node>
  readonly #added = new Map<YAMLMap | YAMLSeq, Additions[]>()
  readonly #edits: SourceEdit[] = []

  constructor(document: ManifestDocument, ways: ReadonlySet<Node>) {
    this.#document = document
    this.#ways = ways
  }

  /** How the collection behind a key looks; asked before it is added to. */
  traceOf(map: YAMLMap, key: string): Trace {
    const place = this.#document.placeIn(map, key)
    if (!place) return key
    const written = this.#explicitNull(place)
    if (written !== undefined) return `${key}=${written}`
    return this.#isWrapped(place) ? `${key}=*` : undefined
  }

  /** Adds entries to the collection behind a key, which is made where it is not there. */
  add(map: YAMLMap, key: string, entries: readonly NewEntry[], at: Additions['at'], has: 'key' | 'no-key'): void {
    const place = this.#document.placeIn(map, key)
    if (!place) {
      if (has === 'key') throw new ManifestError([mergedProblem(this.#document, map, key)])
      this.#addTo(map, { entries: [{ key, value: collectionOf(entries) }], at: 'first' })
    } else if (isScalar(place.node) && place.node.value === null) this.#fillNull(place, key, entries)
    else if (this.#isWrapped(place)) this.#wrap(place, entries)
    else this.#addTo(this.#collectionAt(place, key, entries), { entries, at })
  }

  get edits(): readonly SourceEdit[] {
    const inserted = [...this.#added].flatMap(([node, all]) => {
      const source = this.#document.source(node)
      const first = all.filter(({ at }) => at === 'first').flatMap(({ entries }) => entries)
      const last = all.filter(({ at }) => at === 'last').flatMap(({ entries }) => entries)
      return [
        ...(first.length > 0 ? [source.insertFirst(first)] : []),
        ...(last.length > 0 ? [source.insertLast(last)] : []),
      ]
    })
    return [...inserted, ...this.#edits]
  }

  #collectionAt({ node, written }: Place, key: string, entries: readonly NewEntry[]): YAMLMap | YAMLSeq {
    const isRight = entries[0]!.key === undefined ? isSeq(node) : isMap(node)
    if (isRight) return node as YAMLMap | YAMLSeq
    throw new ManifestError([
      this.#document.problemAt(written, `"${key}" is no ${entries[0]!.key === undefined ? 'list' : 'map'}`),
    ])
  }

  /** What two workloads share is edited once, for both. */
  #addTo(node: YAMLMap | YAMLSeq, added: Additions): void {
    this.#checkShared(node)
    const known = this.#added.get(node) ?? []
    if (known.some((each) => isDeepStrictEqual(each, added))) return
    const keys = known.flatMap(({ entries }) => entries.map(({ key }) => key))
    if (added.entries.some(({ key }) => keys.includes(key))) {
      const message = 'workloads that need something different share this: give each its own'
      throw new ManifestError([this.#document.problemAt(node, message)])
    }
    this.#added.set(node, [...known, added])
  }

  #checkShared(node: Node): void {
    for (const each of this.#document.ancestors(node)) {
      const anchor = 'anchor' in each ? each.anchor : undefined
      if (anchor === undefined || isAlias(each)) continue
      const elsewhere = [each, ...this.#document.aliasesOf(each)].find((use) => !this.#ways.has(use))
      if (!elsewhere) continue
      const message = `what the anchor &${anchor} names is used here too, where nothing is to be added: write one of both out`
      throw new ManifestError([this.#document.problemAt(elsewhere, message)])
    }
  }

  /** A map from elsewhere is merged into one of this place's own; for lists YAML has no such thing. */
  #isWrapped({ written, node }: Place): boolean {
    return isAlias(written) && isMap(node)
  }

  #wrap({ written }: Place, entries: readonly NewEntry[]): void {
    const [start, end] = written.range!
    const added = entries.map((entry) => writeFlowEntry(entry, true)).join(', ')
    this.#edit(written, { start, end: start, text: `{${added}, <<: ` }, { start: end, end, text: ' }' })
  }

  /** `null` or `~` as it is written; undefined where nothing is. */
  #explicitNull({ written, node }: Place): string | undefined {
    if (!isScalar(written) || !isScalar(node) || node.value !== null) return undefined
    const [start, end] = written.range!
    return start === end ? undefined : this.#document.manifest.text.slice(start, end)
  }

  #fillNull(place: Place, key: string, entries: readonly NewEntry[]): void {
    const { map, pair, written } = place
    const { text } = this.#document.manifest
    if (isAlias(written) || written.tag === '!!null' || ('anchor' in written && written.anchor !== undefined))
      throw new ManifestError([
        this.#document.problemAt(written, `"${key}" is nothing, in an odd way: leave the key out`),
      ])
    const [start, end] = written.range!
    if (start < end) {
      this.#edit(written, { start, end, text: writeFlow(collectionOf(entries)) })
      return
    }
    const item = new SourceItem(itemOf(pair)!)
    if (this.#document.source(map).isFlow || item.introductionEnd === undefined)
      throw new ManifestError([
        this.#document.problemAt(pair.key, `"${key}" has no value: write it, or leave the key out`),
      ])
    const indent = `${item.indent(text)}  `
    const lines = writeBlock(entries, entries[0]!.key !== undefined, indent)
    this.#edit(written, insertLines(text, nextLineStart(text, item.introductionEnd), lines))
  }

  /** Once for what two workloads share. */
  #edit(node: Node, ...edits: SourceEdit[]): void {
    this.#checkShared(node)
    if (edits.some((edit) => this.#edits.some((each) => isDeepStrictEqual(each, edit)))) return
    this.#edits.push(...edits)
  }
}

function collectionOf(entries: readonly NewEntry[]): unknown {
  if (entries[0]!.key === undefined) return entries.map(({ value }) => value)
  return Object.fromEntries(entries.map(({ key, value }) => [key, value]))
}
