/** Names that `sluice inject` gives to what it adds. `sluice uninject` knows it by them. */

export const PROXY_CONTAINER = 'sluice-proxy'
export const INIT_CONTAINER = 'sluice-init'
export const CONFIG_VOLUME = 'sluice-config'

/** `enabled` or `disabled`, on a pod template: the user's. */
export const INJECT_ANNOTATION = 'sluice.dev/inject'
/** Settings of one workload, on its pod template: the user's. */
export const SETTING_PREFIX = 'config.sluice.dev/'

/** Which command did it. */
export const CREATED_BY_ANNOTATION = 'sluice.dev/created-by'
/** Version of the proxy. */
export const VERSION_ANNOTATION = 'sluice.dev/proxy-version'
/** Which keys were not there before, for `sluice uninject`. */
export const ADDED_ANNOTATION = 'sluice.dev/added'
/** The sidecar's configuration, where it is not the image's own. */
export const CONFIG_ANNOTATION = 'sluice.dev/config'
/** With the workload's kind in small letters behind it, its name: labels for Prometheus. */
export const WORKLOAD_PREFIX = 'sluice.dev/proxy-'

/** Kubernetes' own: whom `kubectl logs` and `kubectl exec` mean where no container is named. */
export const DEFAULT_CONTAINER_ANNOTATION = 'kubectl.kubernetes.io/default-container'

/** Sidecars that intercept traffic, of others: two of them cannot share a pod. */
export const FOREIGN_SIDECARS: readonly string[] = [
  'linkerd-proxy',
  'linkerd-init',
  'linkerd-network-validator',
  'istio-proxy',
  'istio-init',
  'istio-validation',
]
