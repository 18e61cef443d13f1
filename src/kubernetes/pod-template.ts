import { isMap, type Node, type YAMLMap } from 'yaml'
import { type ManifestDocument, ManifestError } from './manifest.js'
import type { KubernetesObject } from './workloads.js'

/** The parts of a pod template that injection reads, as plain data. What is not as Kubernetes wants it, is not here. */
export interface PodTemplateData {
  metadata?: { annotations?: Record<string, unknown> | null } | null
  spec?: PodSpecData | null
}

interface PodSpecData {
  hostNetwork?: unknown
  restartPolicy?: unknown
  containers?: ContainerData[] | null
  initContainers?: ContainerData[] | null
  volumes?: unknown[] | null
  securityContext?: { runAsUser?: unknown } | null
}

export interface ContainerData {
  name?: unknown
  ports?: { containerPort?: unknown; protocol?: unknown }[] | null
  securityContext?: { runAsUser?: unknown } | null
}

/** Where a workload's pods are described: in the text, and as data. */
export interface PodTemplate {
  readonly document: ManifestDocument
  readonly node: YAMLMap
  readonly spec: YAMLMap
  readonly data: PodTemplateData & { spec: PodSpecData & { containers: ContainerData[] } }
  /** Where it is in the document's data. */
  readonly path: readonly (string | number)[]
  /** Nodes on the way to its spec, from the document's root, as they are written. */
  readonly way: readonly Node[]
}

/** The pod template of an object; undefined where it has none with containers. Throws where it is there but cannot be edited. */
export function podTemplateOf(object: KubernetesObject): PodTemplate | undefined {
  const { document, templatePath } = object
  if (!templatePath) return undefined
  const path = [...object.path, ...templatePath]
  const data = valueAt(document.data, path) as PodTemplateData | undefined
  if (!Array.isArray(data?.spec?.containers) || data.spec.containers.length === 0) return undefined
  const steps = walk(document, object.node, [...templatePath, 'spec'])
  return {
    document,
    node: steps.at(-2)?.node ?? object.node,
    spec: steps.at(-1)!.node,
    data: data as PodTemplate['data'],
    path,
    way: [...object.way, object.node, ...steps.flatMap(({ written, node }) => [written, node])],
  }
}

/** What the data has at a path; undefined where it does not lead there. */
export function valueAt(data: unknown, path: readonly (string | number)[]): unknown {
  return path.reduce<unknown>((value, key) => {
    return typeof value === 'object' && value !== null ? (value as Record<string | number, unknown>)[key] : undefined
  }, data)
}

/** The maps behind these keys, one in the other. They are there in the data: who lacks one has it from a merge key. */
function walk(document: ManifestDocument, from: YAMLMap, keys: readonly string[]): { written: Node; node: YAMLMap }[] {
  let map = from
  return keys.map((key) => {
    const place = document.placeIn(map, key)
    if (!place || !isMap(place.node)) throw new ManifestError([mergedProblem(document, map, key)])
    map = place.node
    return { written: place.written, node: place.node }
  })
}

/** A key that a map has from elsewhere cannot be added to in this place alone. */
export function mergedProblem(
  document: ManifestDocument,
  map: YAMLMap,
  key: string,
): ReturnType<ManifestDocument['problemAt']> {
  return document.problemAt(map, `"${key}" comes from a merge key (<<), which cannot be added to here: write it out`)
}
