import { isAlias, isMap, isScalar, isSeq, type YAMLMap, type YAMLSeq } from 'yaml'
import { Manifest, type ManifestDocument, ManifestError, type Place } from './manifest.js'
import * as names from './names.js'
import { type PodTemplate, podTemplateOf } from './pod-template.js'
import { applyEdits, type SourceEdit } from './source-edit.js'
import { objectsOf } from './workloads.js'

/** What became of an object of a manifest. */
export interface UninjectionResult {
  readonly kind: string | undefined
  readonly name: string
  readonly isUninjected: boolean
}

export interface UninjectedManifest {
  readonly text: string
  /** In the order of the text. */
  readonly results: readonly UninjectionResult[]
}

const OWN_CONTAINERS = [names.PROXY_CONTAINER, names.INIT_CONTAINER]
const LISTS = ['containers', 'initContainers', 'volumes'] as const

/** Takes out what `sluice inject` put in, and nothing else: what was typed beside it since stays. */
export function uninjectManifest(text: string): UninjectedManifest {
  return uninject(new Manifest(text))
}

/** The same for a manifest that has been read. */
export function uninject(manifest: Manifest): UninjectedManifest {
  const results: UninjectionResult[] = []
  const edits = manifest.documents.flatMap((document) => {
    const removal = new Removal(document)
    for (const object of objectsOf(document)) {
      const template = podTemplateOf(object)
      const isUninjected = template !== undefined && removal.take(template)
      results.push({ kind: object.kind, name: object.name, isUninjected })
    }
    return removal.edits
  })
  return { text: applyEdits(manifest.text, edits), results }
}

/** Collects what is taken out of one document. */
class Removal {
  readonly #document: ManifestDocument
  readonly #removed = new Map<YAMLMap | YAMLSeq, Set<number>>()
  readonly #edits = new Map<number, SourceEdit>()

  constructor(document: ManifestDocument) {
    this.#document = document
  }

  get edits(): SourceEdit[] {
    const removed = [...this.#removed].flatMap(([node, indexes]) => {
      return this.#document.source(node).remove([...indexes].toSorted((a, b) => a - b))
    })
    return [...removed, ...this.#edits.values()]
  }

  /** False where the template has no sidecar of ours. */
  take(template: PodTemplate): boolean {
    const { spec, containers, initContainers } = { ...template, ...template.data.spec }
    const all = [...containers, ...(initContainers ?? [])].map(({ name }) => name as string)
    if (!OWN_CONTAINERS.some((name) => all.includes(name))) return false
    const added = addedKeys(template)
    for (const key of LISTS) this.#takeItems(spec, key, added)
    this.#takeAnnotations(template, added)
    return true
  }

  #takeItems(spec: YAMLMap, key: (typeof LISTS)[number], added: ReadonlyMap<string, string | undefined>): void {
    const place = this.#document.placeIn(spec, key)
    if (!place || !isSeq(place.node)) return
    const own = key === 'volumes' ? [names.CONFIG_VOLUME] : OWN_CONTAINERS
    const indexes = indexesOf(place.node, (item) => own.includes(this.#nameOf(item)))
    this.#take(place, key, indexes, added)
  }

  #takeAnnotations(template: PodTemplate, added: ReadonlyMap<string, string | undefined>): void {
    const metadata = this.#document.placeIn(template.node, 'metadata')
    if (!metadata || !isMap(metadata.node)) return
    const place = this.#document.placeIn(metadata.node, 'annotations')
    if (!place || !isMap(place.node)) return
    if (added.get('annotations') === '*') {
      this.#unwrap(place.node)
      return
    }
    const indexes = indexesOf(place.node, (pair) => {
      const key = isPair(pair) && isScalar(pair.key) ? String(pair.key.value) : ''
      return isOwnAnnotation(key) || (key === names.DEFAULT_CONTAINER_ANNOTATION && added.has('default-container'))
    })
    const isMetadataOurs =
      added.has('metadata') && indexes.length === place.node.items.length && metadata.node.items.length === 1
    if (isMetadataOurs) this.#take(metadata, 'metadata', [0], added)
    else this.#take(place, 'annotations', indexes, added)
  }

  /** Takes entries out, and with the last of them what was made to hold them. */
  #take(place: Place, key: string, indexes: readonly number[], added: ReadonlyMap<string, string | undefined>): void {
    const node = place.node as YAMLMap | YAMLSeq
    if (indexes.length < node.items.length || !added.has(key)) {
      for (const index of indexes) this.#mark(node, index)
      return
    }
    const before = added.get(key)
    if (before === undefined) this.#mark(place.map, place.map.items.indexOf(place.pair))
    else {
      const [start, end] = node.range!
      this.#edits.set(start, { start, end, text: before })
    }
  }

  /** `{ours, <<: *alias}` becomes the alias again. */
  #unwrap(node: YAMLMap): void {
    const [start, end] = node.range!
    const merged = node.items.map(({ value }) => value).find((value) => isAlias(value))
    if (!merged) throw new ManifestError([this.#document.problemAt(node, 'the alias that was merged in here is gone')])
    const [from, to] = merged.range!
    this.#edits.set(start, { start, end, text: this.#document.manifest.text.slice(from, to) })
  }

  #mark(node: YAMLMap | YAMLSeq, index: number): void {
    const indexes = this.#removed.get(node) ?? new Set()
    this.#removed.set(node, indexes.add(index))
  }

  #nameOf(item: unknown): string {
    const node = isAlias(item) ? this.#document.resolve(item) : item
    const name = isMap(node) ? this.#document.placeIn(node, 'name')?.node : undefined
    return isScalar(name) ? String(name.value) : ''
  }
}

/** The keys that were not there before, each with what stood there if it was null or an alias. */
function addedKeys({ data }: PodTemplate): ReadonlyMap<string, string | undefined> {
  const text = data.metadata?.annotations?.[names.ADDED_ANNOTATION]
  const traces = typeof text === 'string' && text !== '' ? text.split(' ') : []
  return new Map(traces.map((trace) => [trace.split('=')[0]!, trace.split('=')[1]]))
}

function isOwnAnnotation(key: string): boolean {
  return (
    [names.CREATED_BY_ANNOTATION, names.ADDED_ANNOTATION, names.CONFIG_ANNOTATION].includes(key) ||
    key.startsWith(names.WORKLOAD_PREFIX)
  )
}

function indexesOf(node: YAMLMap | YAMLSeq, isOwn: (item: unknown) => boolean): number[] {
  return [...node.items.keys()].filter((index) => isOwn(node.items[index]))
}

function isPair(value: unknown): value is { key: unknown } {
  return typeof value === 'object' && value !== null && 'key' in value
}
