import { FOREIGN_SIDECARS, INIT_CONTAINER, INJECT_ANNOTATION, PROXY_CONTAINER } from './names.js'
import type { ContainerData, PodTemplateData } from './pod-template.js'

/** Why an object is passed on as it is. */
export type SkipReason =
  'no-kind' | 'no-pods' | 'no-containers' | 'already-injected' | 'foreign-sidecar' | 'host-network' | 'disabled'

/** Why this pod template gets no sidecar; undefined where it gets one. Throws a RangeError where its annotation is not understood. */
export function skipReason({ metadata, spec }: PodTemplateData): SkipReason | undefined {
  const names = [...(spec?.containers ?? []), ...(spec?.initContainers ?? [])].map((container) => container?.name)
  if (names.includes(PROXY_CONTAINER) || names.includes(INIT_CONTAINER)) return 'already-injected'
  const wanted = metadata?.annotations?.[INJECT_ANNOTATION] ?? 'enabled'
  if (wanted === 'disabled') return 'disabled'
  if (wanted !== 'enabled')
    throw new RangeError(`${INJECT_ANNOTATION}: expected "enabled" or "disabled", got ${JSON.stringify(wanted)}`)
  if (spec?.hostNetwork === true) return 'host-network'
  if (names.some((name) => FOREIGN_SIDECARS.includes(name as string))) return 'foreign-sidecar'
  return undefined
}

/** Whether it has a port for UDP, which is not carried. */
export function usesUdp({ spec }: PodTemplateData): boolean {
  return allPorts(spec?.containers).some(({ protocol }) => protocol === 'UDP')
}

/** The first port that its containers say they listen on, of these. */
export function takenPort({ spec }: PodTemplateData, ports: readonly number[]): number | undefined {
  return ports.find((port) => allPorts(spec?.containers).some(({ containerPort }) => containerPort === port))
}

/** The first container that runs as this user: what it sends would be taken for the proxy's, and not be intercepted. */
export function containerOfUser({ spec }: PodTemplateData, uid: number): string | undefined {
  const ofPod = spec?.securityContext?.runAsUser
  const found = spec?.containers?.find(({ securityContext }) => (securityContext?.runAsUser ?? ofPod) === uid)
  return found && String(found.name)
}

function allPorts(containers: ContainerData[] | null | undefined): NonNullable<ContainerData['ports']> {
  return (containers ?? []).flatMap(({ ports }) => ports ?? [])
}
