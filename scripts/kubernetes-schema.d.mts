import type { KubernetesSchema } from '../src/kubernetes/check-schema.js'

export declare function kubernetesSchema(roots: readonly string[]): KubernetesSchema
