import { kubernetesSchema } from '../../scripts/kubernetes-schema.mjs'
import { checkSchema } from '../../src/kubernetes/check-schema.js'
import { Manifest } from '../../src/kubernetes/manifest.js'

/** Types by kind, for the kinds of our manifests that Kubernetes has. Of groups that are gone, the newer ones' fields are the same. */
const TYPES: Readonly<Record<string, { readonly type: string; readonly apiVersion: string; readonly gone?: string }>> =
  {
    Pod: { type: 'core/v1.Pod', apiVersion: 'v1' },
    Service: { type: 'core/v1.Service', apiVersion: 'v1' },
    ServiceAccount: { type: 'core/v1.ServiceAccount', apiVersion: 'v1' },
    ConfigMap: { type: 'core/v1.ConfigMap', apiVersion: 'v1' },
    Namespace: { type: 'core/v1.Namespace', apiVersion: 'v1' },
    ReplicationController: { type: 'core/v1.ReplicationController', apiVersion: 'v1' },
    Deployment: { type: 'apps/v1.Deployment', apiVersion: 'apps/v1', gone: 'extensions/v1beta1' },
    DaemonSet: { type: 'apps/v1.DaemonSet', apiVersion: 'apps/v1' },
    ReplicaSet: { type: 'apps/v1.ReplicaSet', apiVersion: 'apps/v1' },
    StatefulSet: { type: 'apps/v1.StatefulSet', apiVersion: 'apps/v1' },
    Job: { type: 'batch/v1.Job', apiVersion: 'batch/v1' },
    CronJob: { type: 'batch/v1.CronJob', apiVersion: 'batch/v1', gone: 'batch/v1beta1' },
  }

const SCHEMA = kubernetesSchema(Object.values(TYPES).map(({ type }) => type))

export interface ObjectData {
  readonly apiVersion?: string
  readonly kind?: string
  readonly items?: readonly ObjectData[]
  readonly metadata?: { readonly name?: string }
}

/** Every object of a text that Kubernetes has a type for, those in Lists too. */
export function kubernetesObjects(text: string): ObjectData[] {
  const flat = (data: ObjectData): ObjectData[] => (data.kind === 'List' ? (data.items ?? []).flatMap(flat) : [data])
  return new Manifest(text).documents
    .map(({ data }) => data as ObjectData | null)
    .flatMap((data) => (data === null ? [] : flat(data)))
    .filter(({ kind = '', apiVersion }) => {
      const type = Object.hasOwn(TYPES, kind) ? TYPES[kind] : undefined
      return type !== undefined && (apiVersion === type.apiVersion || apiVersion === type.gone)
    })
}

/** What Kubernetes' own types say against an object; fields that they do not have included. */
export function schemaProblems(object: ObjectData): string[] {
  const { type, apiVersion } = TYPES[object.kind!]!
  return checkSchema(SCHEMA, type, { ...object, apiVersion })
}
