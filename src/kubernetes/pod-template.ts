import { isMap, isNode, type Node, type YAMLMap } from 'yaml'
import { z } from 'zod'
import { type ManifestDocument, ManifestError } from './manifest.js'
import type { KubernetesObject } from './workloads.js'

const containerSchema = z.looseObject({
  name: z.unknown().optional(),
  ports: z.array(z.looseObject({ containerPort: z.unknown().optional(), protocol: z.unknown().optional() })).nullish(),
  securityContext: z.looseObject({ runAsUser: z.unknown().optional() }).nullish(),
})

const containersSchema = z.array(containerSchema).nullish()

/** The shape of what injection reads of a pod template. Null is a field left out, as for Kubernetes; values are not looked at. */
const templateSchema = z.looseObject({
  metadata: z.looseObject({ annotations: z.record(z.string(), z.unknown()).nullish() }).nullish(),
  spec: z
    .looseObject({
      hostNetwork: z.unknown().optional(),
      restartPolicy: z.unknown().optional(),
      os: z.looseObject({ name: z.unknown().optional() }).nullish(),
      nodeSelector: z.record(z.string(), z.unknown()).nullish(),
      containers: containersSchema,
      initContainers: containersSchema,
      volumes: z.array(z.unknown()).nullish(),
      securityContext: z.looseObject({ runAsUser: z.unknown().optional() }).nullish(),
    })
    .nullish(),
})

/** The parts of a pod template that injection reads, as plain data. */
export type PodTemplateData = z.infer<typeof templateSchema>
export type ContainerData = z.infer<typeof containerSchema>

/** Where a workload's pods are described: in the text, and as data. */
export interface PodTemplate {
  readonly document: ManifestDocument
  readonly node: YAMLMap
  readonly spec: YAMLMap
  readonly data: PodTemplateData & { spec: NonNullable<PodTemplateData['spec']> & { containers: ContainerData[] } }
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
  const value = valueAt(document.data, path)
  if (value === undefined || value === null) return undefined
  const data = checked(object, path, value)
  if (!data.spec?.containers || data.spec.containers.length === 0) return undefined
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

/** Throws a ManifestError with every place where something is neither a list nor a map that has to be one. */
function checked(
  { document, node }: KubernetesObject,
  path: readonly (string | number)[],
  value: unknown,
): PodTemplateData {
  const { success, error } = templateSchema.safeParse(value)
  if (success) return value as PodTemplateData
  throw new ManifestError(
    error.issues.map((issue) => {
      const place = document.document.getIn([...path, ...issue.path], true)
      const expected = issue.code === 'invalid_type' && issue.expected === 'array' ? 'a list' : 'a map'
      return document.problemAt(isNode(place) ? place : node, `expected ${expected} at "${issue.path.join('.')}"`)
    }),
  )
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
