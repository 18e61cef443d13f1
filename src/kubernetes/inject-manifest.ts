import { isDeepStrictEqual } from 'node:util'
import { isMap, type Node } from 'yaml'
import { type Additions, specAdditions, withAdditions } from './additions.js'
import { DocumentEdits } from './document-edits.js'
import type { InjectionSettings } from './injection-settings.js'
import { Manifest, type ManifestDocument, ManifestError, type ManifestProblem } from './manifest.js'
import * as names from './names.js'
import { type PodTemplate, podTemplateOf, valueAt } from './pod-template.js'
import { makeSidecar } from './sidecar.js'
import { containerOfUser, skipReason, type SkipReason, takenPort, usesUdp } from './skip-reason.js'
import { applyEdits } from './source-edit.js'
import { uninject } from './uninject-manifest.js'
import { type KubernetesObject, objectsOf } from './workloads.js'
import { workloadSettings } from './workload-settings.js'

/** Something that was injected and may still not be as it is meant. */
export type InjectionWarning =
  | { readonly about: 'udp' }
  | { readonly about: 'port'; readonly port: number }
  | { readonly about: 'user'; readonly container: string; readonly uid: number }

/** What became of an object of a manifest. */
export interface InjectionResult {
  readonly kind: string | undefined
  readonly name: string
  /** Absent where it got a sidecar. */
  readonly skipped?: SkipReason
  readonly warnings: readonly InjectionWarning[]
}

export interface InjectedManifest {
  /** The text that was given, with what was added. */
  readonly text: string
  /** In the order of the text. */
  readonly results: readonly InjectionResult[]
}

export interface InjectionContext {
  readonly version: string
  readonly settings: InjectionSettings
  /** The configuration to carry along; undefined where the image's own does. Throws a RangeError where there is none for these settings. */
  configFor(settings: InjectionSettings): string | undefined
}

/** Kinds whose pods end by themselves, which an ordinary container beside theirs would keep them from. */
const RUN_TO_COMPLETION = ['Job', 'CronJob']

/** A workload that gets a sidecar. */
interface Target {
  readonly object: KubernetesObject
  readonly template: PodTemplate
  readonly additions: Additions
}

/**
 * Puts a sidecar into every pod template of a manifest that takes one. All bytes of the text stay, in their order. What comes out is
 * held against what was meant, and undone to see that the same text comes back; a ManifestError says what could not be done.
 */
export function injectManifest(text: string, context: InjectionContext): InjectedManifest {
  const manifest = new Manifest(text)
  const problems: ManifestProblem[] = []
  const results: InjectionResult[] = []
  const edits = manifest.documents.flatMap((document) => {
    const targets: Target[] = []
    const expected = { root: structuredClone(document.data) }
    for (const object of objectsOf(document)) {
      collecting(problems, () => {
        const { result, target } = examine(object, context)
        results.push(result)
        if (target) targets.push(target)
      })
    }
    const shared = new Set(
      targets
        .map(({ template }) => metadataOf(template))
        .filter((node, index, all) => node && all.indexOf(node) !== index),
    )
    const documentEdits = new DocumentEdits(document, waysOf(targets))
    const finished = targets.map((target) => (shared.has(metadataOf(target.template)) ? target : withOwner(target)))
    for (const target of finished) {
      collecting(problems, () => {
        const additions = edit(documentEdits, target)
        replaceAt(expected, ['root', ...target.template.path], withAdditions(target.template.data, additions))
      })
    }
    return [{ edits: documentEdits.edits, expected: expected.root }]
  })
  if (problems.length > 0) throw new ManifestError(problems)
  const injected = applyEdits(
    text,
    edits.flatMap((each) => each.edits),
  )
  verify(
    manifest,
    injected,
    edits.map(({ expected }) => expected),
  )
  return { text: injected, results }
}

/** Decides about one object. */
function examine(object: KubernetesObject, context: InjectionContext): { result: InjectionResult; target?: Target } {
  const { kind, name, document } = object
  const skipped = (reason: SkipReason): { result: InjectionResult } => ({
    result: { kind, name, skipped: reason, warnings: [] },
  })
  if (kind === undefined) return skipped('no-kind')
  if (!object.templatePath) return skipped('no-pods')
  const template = podTemplateOf(object)
  if (!template) return skipped('no-containers')
  const { data } = template
  const reason = atPlaceOf(template, names.INJECT_ANNOTATION, () => skipReason(data))
  if (reason) return skipped(reason)
  const problems: ManifestProblem[] = []
  const settings = workloadSettings(data.metadata?.annotations ?? {}, context.settings, (key, message) => {
    problems.push(document.problemAt(annotationNode(template, key), message))
  })
  if (problems.length > 0) throw new ManifestError(problems)
  const isNative = settings.nativeSidecar ?? runsToCompletion(object, template)
  const config = atPlaceOf(template, undefined, () => context.configFor(settings))
  const sidecar = makeSidecar(settings, isNative, config !== undefined)
  const annotations = {
    [names.CREATED_BY_ANNOTATION]: `sluice/cli ${context.version}`,
    [names.VERSION_ANNOTATION]: context.version,
    ...(!isNative && {
      [names.DEFAULT_CONTAINER_ANNOTATION]: String(data.spec.containers[0]?.name),
    }),
    ...(config !== undefined && { [names.CONFIG_ANNOTATION]: config }),
  }
  const result = { kind, name, warnings: warningsOf(template, settings) }
  return { result, target: { object, template, additions: { annotations, sidecar } } }
}

function runsToCompletion({ kind = '' }: KubernetesObject, { data }: PodTemplate): boolean {
  if (RUN_TO_COMPLETION.includes(kind)) return true
  return kind === 'Pod' && ['Never', 'OnFailure'].includes(String(data.spec.restartPolicy))
}

function warningsOf({ data }: PodTemplate, settings: InjectionSettings): InjectionWarning[] {
  const port = takenPort(data, [settings.inboundPort, settings.outboundPort, settings.adminPort])
  const container = containerOfUser(data, settings.proxyUid)
  return [
    ...(usesUdp(data) ? [{ about: 'udp' } as const] : []),
    ...(port === undefined ? [] : [{ about: 'port', port } as const]),
    ...(container === undefined ? [] : [{ about: 'user', container, uid: settings.proxyUid } as const]),
  ]
}

/** The workload's name, for Prometheus; one that is only a prefix names no workload. */
function withOwner(target: Target): Target {
  const { kind = '', name, node, document } = target.object
  const metadata = document.placeIn(node, 'metadata')?.node
  if (kind === 'Pod' || !isMap(metadata) || !document.placeIn(metadata, 'name')) return target
  const annotations = { ...target.additions.annotations, [names.WORKLOAD_PREFIX + kind.toLowerCase()]: name }
  return { ...target, additions: { ...target.additions, annotations } }
}

/** Writes the additions into the edits. Gives them back with what they say about how it was before. */
function edit(edits: DocumentEdits, { template, additions }: Target): Additions {
  const { node, spec, data } = template
  const traces = specAdditions(additions.sidecar).map(({ key }) => edits.traceOf(spec, key))
  const metadata = metadataOf(template)
  traces.push(metadata ? edits.traceOf(metadata, 'annotations') : edits.traceOf(node, 'metadata'))
  const present = data.metadata?.annotations ?? {}
  const {
    [names.DEFAULT_CONTAINER_ANNOTATION]: container,
    [names.CONFIG_ANNOTATION]: config,
    ...others
  } = additions.annotations
  const setsContainer = container !== undefined && !Object.hasOwn(present, names.DEFAULT_CONTAINER_ANNOTATION)
  if (setsContainer) traces.push('default-container')
  const added = traces.filter((trace) => trace !== undefined).join(' ')
  const annotations = {
    // First, since it is written as a block: a comment that follows a block in a deeper column would become a part of it.
    ...(config !== undefined && { [names.CONFIG_ANNOTATION]: config }),
    ...others,
    ...(setsContainer && { [names.DEFAULT_CONTAINER_ANNOTATION]: container }),
    ...(added !== '' && { [names.ADDED_ANNOTATION]: added }),
  }
  const entries = Object.entries(annotations).map(([key, value]) => ({ key, value }))
  if (metadata) edits.add(metadata, 'annotations', entries, 'first', hasKey(data.metadata, 'annotations'))
  else edits.add(node, 'metadata', [{ key: 'annotations', value: annotations }], 'first', hasKey(data, 'metadata'))
  for (const { key, items, at } of specAdditions(additions.sidecar))
    edits.add(
      spec,
      key,
      items.map((value) => ({ value })),
      at,
      hasKey(data.spec, key),
    )
  return { ...additions, annotations }
}

function hasKey(data: object | null | undefined, key: string): 'key' | 'no-key' {
  return data && Object.hasOwn(data, key) ? 'key' : 'no-key'
}

/** The map of a template's metadata; undefined where there is none. */
function metadataOf({ document, node }: PodTemplate): ReturnType<typeof mapIn> {
  return mapIn(document, node, 'metadata')
}

function mapIn(document: ManifestDocument, map: PodTemplate['node'], key: string): PodTemplate['node'] | undefined {
  const node = document.placeIn(map, key)?.node
  return isMap(node) ? node : undefined
}

/** Every node that leads to a place where something is added. */
function waysOf(targets: readonly Target[]): Set<Node> {
  const ways = new Set<Node>()
  for (const { template, additions } of targets) {
    const { document, node, spec } = template
    const metadata = metadataOf(template)
    const places = [
      document.placeIn(node, 'metadata'),
      metadata && document.placeIn(metadata, 'annotations'),
      ...specAdditions(additions.sidecar).map(({ key }) => document.placeIn(spec, key)),
    ]
    for (const each of template.way) ways.add(each)
    for (const place of places) if (place) ways.add(place.written).add(place.node)
  }
  return ways
}

/** Where an annotation stands; the template where it is not to be found in the text. */
function annotationNode(template: PodTemplate, key: string | undefined): Node {
  const metadata = metadataOf(template)
  const annotations = metadata && mapIn(template.document, metadata, 'annotations')
  const place = annotations && key !== undefined ? template.document.placeIn(annotations, key) : undefined
  return place?.written ?? template.node
}

function atPlaceOf<T>(template: PodTemplate, key: string | undefined, work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (!(error instanceof RangeError)) throw error
    throw new ManifestError([template.document.problemAt(annotationNode(template, key), error.message)])
  }
}

function collecting(problems: ManifestProblem[], work: () => void): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof ManifestError)) throw error
    problems.push(...error.problems)
  }
}

function replaceAt(data: object, path: readonly (string | number)[], value: unknown): void {
  const parent = valueAt(data, path.slice(0, -1)) as Record<string | number, unknown>
  parent[path.at(-1)!] = value
}

/** No manifest leaves that says something else than was meant, or cannot be undone. */
function verify(before: Manifest, injected: string, expected: readonly unknown[]): void {
  if (injected === before.text) return
  const after = parsed(injected)
  const wrong = expected.findIndex((data, index) => !isDeepStrictEqual(after?.documents[index]?.data, data))
  if (after?.documents.length !== expected.length || wrong >= 0) {
    const offset = before.documents[Math.max(wrong, 0)]?.document.range[0] ?? 0
    const message = 'a sidecar cannot be added to this text without changing something else'
    throw new ManifestError([before.problemAt(offset, message)])
  }
  // What came injected goes, too.
  if (uninject(after).text !== uninject(before).text)
    throw new ManifestError([before.problemAt(0, 'a sidecar added to this text could not be taken out of it again')])
}

/** Undefined where it is no YAML: its errors would be at places that nobody has seen. */
function parsed(text: string): Manifest | undefined {
  try {
    return new Manifest(text)
  } catch (error) {
    if (error instanceof ManifestError) return undefined
    throw error
  }
}
