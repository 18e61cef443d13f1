import { isMap, isScalar, isSeq, type Node, type YAMLMap } from 'yaml'
import type { ManifestDocument } from './manifest.js'

/** A Kubernetes object of a manifest. */
export interface KubernetesObject {
  readonly document: ManifestDocument
  /** Undefined where there is none, which no object of Kubernetes is without. */
  readonly kind: string | undefined
  /** As in metadata; what names are made from, where there is no name; else empty. */
  readonly name: string
  readonly node: YAMLMap
  /** Where it is in the document's data. */
  readonly path: readonly (string | number)[]
  /** Nodes on the way to it, from the document's root, as they are written. */
  readonly way: readonly Node[]
  /** Where its pod template is, from the object; undefined where its kind has none. */
  readonly templatePath: readonly string[] | undefined
}

const TEMPLATE = ['spec', 'template']

/** Kinds with pods, by the groups whose they are: another group's kind of the same name is not ours. */
const KINDS: Readonly<Record<string, { readonly groups: readonly string[]; readonly path: readonly string[] }>> = {
  Pod: { groups: [''], path: [] },
  ReplicationController: { groups: [''], path: TEMPLATE },
  Deployment: { groups: ['apps', 'extensions'], path: TEMPLATE },
  DaemonSet: { groups: ['apps', 'extensions'], path: TEMPLATE },
  ReplicaSet: { groups: ['apps', 'extensions'], path: TEMPLATE },
  StatefulSet: { groups: ['apps'], path: TEMPLATE },
  Job: { groups: ['batch'], path: TEMPLATE },
  CronJob: { groups: ['batch'], path: ['spec', 'jobTemplate', 'spec', 'template'] },
}

/** All objects of a document, those in Lists too, in order. An empty document has none. */
export function objectsOf(document: ManifestDocument): KubernetesObject[] {
  const root = document.document.contents as Node | null
  if (!root || (isScalar(root) && root.value === null)) return []
  if (!isMap(root)) return [{ ...NO_OBJECT, document, node: root as YAMLMap, path: [], way: [root] }]
  return objectsIn(document, root, [], [root])
}

const NO_OBJECT = { kind: undefined, name: '', templatePath: undefined }

function objectsIn(
  document: ManifestDocument,
  node: YAMLMap,
  path: KubernetesObject['path'],
  way: readonly Node[],
): KubernetesObject[] {
  const kind = textOf(document, node, 'kind')
  const items = kind === 'List' ? document.placeIn(node, 'items') : undefined
  if (items && isSeq(items.node)) {
    const wayToItems = [...way, items.written, items.node]
    return items.node.items.flatMap((item, index) => {
      const object = document.resolve(item as Node)
      return isMap(object) ? objectsIn(document, object, [...path, 'items', index], [...wayToItems, item as Node]) : []
    })
  }
  const known = kind !== undefined && Object.hasOwn(KINDS, kind) ? KINDS[kind] : undefined
  const isOurs = known?.groups.includes(groupOf(textOf(document, node, 'apiVersion') ?? ''))
  return [
    { document, kind, name: nameOf(document, node), node, path, way, templatePath: isOurs ? known!.path : undefined },
  ]
}

/** `apps` of `apps/v1`; empty for `v1`. */
function groupOf(apiVersion: string): string {
  return apiVersion.includes('/') ? apiVersion.slice(0, apiVersion.indexOf('/')) : ''
}

function nameOf(document: ManifestDocument, node: YAMLMap): string {
  const metadata = document.placeIn(node, 'metadata')?.node
  if (!isMap(metadata)) return ''
  return textOf(document, metadata, 'name') ?? textOf(document, metadata, 'generateName') ?? ''
}

function textOf(document: ManifestDocument, map: YAMLMap, key: string): string | undefined {
  const node = document.placeIn(map, key)?.node
  return isScalar(node) && ['string', 'number', 'boolean'].includes(typeof node.value)
    ? `${node.value as string}`
    : undefined
}
