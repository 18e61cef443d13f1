import type { PodTemplateData } from './pod-template.js'
import type { Sidecar } from './sidecar.js'

/** All that one pod template gets. */
export interface Additions {
  readonly annotations: Readonly<Record<string, string>>
  readonly sidecar: Sidecar
}

/** What goes where in a pod's spec. */
export interface SpecAddition {
  readonly key: 'containers' | 'initContainers' | 'volumes'
  readonly items: readonly object[]
  readonly at: 'first' | 'last'
}

/**
 * The order is that in which Kubernetes starts them. A proxy among the containers is the first of them, so that others can wait for
 * it; redirection begins behind the pod's other init containers, which would find no proxy yet. A native sidecar is there before
 * them all.
 */
export function specAdditions({ proxy, init, volume, isNative }: Sidecar): SpecAddition[] {
  return [
    ...(isNative
      ? [{ key: 'initContainers', items: [init, proxy], at: 'first' } as const]
      : ([
          { key: 'initContainers', items: [init], at: 'last' },
          { key: 'containers', items: [proxy], at: 'first' },
        ] as const)),
    ...(volume ? [{ key: 'volumes', items: [volume], at: 'first' } as const] : []),
  ]
}

/** A pod template with its additions, as data: what the edited text has to say. */
export function withAdditions(template: PodTemplateData, { annotations, sidecar }: Additions): PodTemplateData {
  const spec: Record<string, unknown> = { ...template.spec }
  for (const { key, items, at } of specAdditions(sidecar)) {
    const present = template.spec?.[key] ?? []
    spec[key] = at === 'first' ? [...items, ...present] : [...present, ...items]
  }
  const metadata = { ...template.metadata, annotations: { ...template.metadata?.annotations, ...annotations } }
  return { ...template, metadata, spec: spec }
}
