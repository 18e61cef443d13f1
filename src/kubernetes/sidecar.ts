import type { Container, Volume } from 'kubernetes-types/core/v1.js'
import { checkSchema } from './check-schema.js'
import { formatPortRanges, type InjectionSettings } from './injection-settings.js'
import { KUBERNETES_SCHEMA } from './kubernetes-schema.js'
import { CONFIG_ANNOTATION, CONFIG_VOLUME, INIT_CONTAINER, PROXY_CONTAINER } from './names.js'

/** Where the image has its configuration, and where one that was given takes its place. */
const CONFIG_FOLDER = '/etc/sluice'
const CONFIG_FILE = 'sluice.yaml'
/** Where the image has the command line: what its entry point runs. */
const COMMAND = ['node', '/app/dist/cli/main.js']

/** iptables-legacy takes a lock in /run otherwise, which is not writable here; /dev/shm is, in every pod. */
const LOCK_FILE = '/dev/shm/sluice-xtables.lock'

/** The longest that a pod's containers wait for the proxy. Linkerd's. */
const AWAIT_TIMEOUT = '2m'
/** The same for a native sidecar: as many tries, one a second. */
const STARTUP_TRIES = 120

/** What is put beside the containers of a pod. */
export interface Sidecar {
  readonly proxy: object
  readonly init: object
  /** Only where the configuration is not the image's own. */
  readonly volume: object | undefined
  readonly isNative: boolean
}

/** Makes a sidecar. Throws where it is none by Kubernetes' schema, which would be a bug. */
export function makeSidecar(settings: InjectionSettings, isNative: boolean, hasOwnConfig: boolean): Sidecar {
  const sidecar = {
    proxy: proxyContainer(settings, isNative, hasOwnConfig),
    init: initContainer(settings),
    volume: hasOwnConfig ? configVolume() : undefined,
    isNative,
  }
  const problems = [
    ...checkSchema(KUBERNETES_SCHEMA, 'core/v1.Container', sidecar.proxy),
    ...checkSchema(KUBERNETES_SCHEMA, 'core/v1.Container', sidecar.init),
    ...(sidecar.volume ? checkSchema(KUBERNETES_SCHEMA, 'core/v1.Volume', sidecar.volume) : []),
  ]
  if (problems.length > 0)
    throw new Error(`what would be injected is against Kubernetes' schema: ${problems.join('; ')}`)
  return sidecar
}

function proxyContainer(settings: InjectionSettings, isNative: boolean, hasOwnConfig: boolean): object {
  const { adminPort, inboundPort, proxyLogLevel } = settings
  const ready = { path: '/ready', port: adminPort }
  const waits = !isNative && settings.proxyAwait
  return {
    name: PROXY_CONTAINER,
    image: settings.proxyImage,
    imagePullPolicy: settings.imagePullPolicy,
    ...(isNative && { restartPolicy: 'Always' }),
    args: [
      'run',
      '-c',
      `${CONFIG_FOLDER}/${CONFIG_FILE}`,
      ...(proxyLogLevel === undefined ? [] : ['--log-level', proxyLogLevel]),
    ],
    ports: [
      { name: 'sluice-inbound', containerPort: inboundPort },
      { name: 'sluice-admin', containerPort: adminPort },
    ],
    ...(isNative && { startupProbe: { httpGet: ready, periodSeconds: 1, failureThreshold: STARTUP_TRIES } }),
    livenessProbe: { httpGet: { path: '/live', port: adminPort }, initialDelaySeconds: 10 },
    readinessProbe: { httpGet: ready, initialDelaySeconds: 2 },
    // Kubernetes starts the next container when this one's hook has returned.
    ...(waits && { lifecycle: { postStart: { exec: { command: awaitCommand(adminPort) } } } }),
    resources: resourcesOf(settings),
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { drop: ['ALL'] },
      readOnlyRootFilesystem: true,
      runAsNonRoot: true,
      runAsUser: settings.proxyUid,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
    ...(hasOwnConfig && { volumeMounts: [{ name: CONFIG_VOLUME, mountPath: CONFIG_FOLDER, readOnly: true }] }),
  } satisfies Container
}

function initContainer(settings: InjectionSettings): object {
  const { adminPort, skipInboundPorts, skipOutboundPorts, skipSubnets } = settings
  // Probes and Prometheus ask the admin port, which is the proxy's own: a connection to itself would be a loop.
  const skippedInbound = [{ from: adminPort, to: adminPort }, ...skipInboundPorts]
  return {
    name: INIT_CONTAINER,
    image: settings.initImage,
    imagePullPolicy: settings.imagePullPolicy,
    args: [
      'intercept',
      ...['--inbound-port', String(settings.inboundPort)],
      ...['--outbound-port', String(settings.outboundPort)],
      ...['--proxy-uid', String(settings.proxyUid)],
      ...['--skip-inbound-ports', formatPortRanges(skippedInbound)],
      ...(skipOutboundPorts.length > 0 ? ['--skip-outbound-ports', formatPortRanges(skipOutboundPorts)] : []),
      ...(skipSubnets.length > 0 ? ['--subnets-to-ignore', skipSubnets.join(',')] : []),
    ],
    env: [{ name: 'XTABLES_LOCKFILE', value: LOCK_FILE }],
    resources: resourcesOf(settings),
    // Root, so that the two capabilities are effective; it has no others, and no way to more.
    securityContext: {
      allowPrivilegeEscalation: false,
      capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
      privileged: false,
      readOnlyRootFilesystem: true,
      runAsGroup: 0,
      runAsNonRoot: false,
      runAsUser: 0,
      seccompProfile: { type: 'RuntimeDefault' },
    },
    terminationMessagePolicy: 'FallbackToLogsOnError',
  } satisfies Container
}

/** The annotation that has the configuration, as a file. */
function configVolume(): object {
  const fieldPath = `metadata.annotations['${CONFIG_ANNOTATION}']`
  return {
    name: CONFIG_VOLUME,
    downwardAPI: { items: [{ path: CONFIG_FILE, fieldRef: { fieldPath } }] },
  } satisfies Volume
}

function awaitCommand(adminPort: number): string[] {
  return [...COMMAND, 'await', '--admin', `http://127.0.0.1:${adminPort}`, '--timeout', AWAIT_TIMEOUT]
}

/** Kubernetes takes the larger of the init containers and the sum of the others: the same for both asks for nothing more. */
function resourcesOf(settings: InjectionSettings): {
  requests: Record<string, string>
  limits?: Record<string, string>
} {
  const { proxyCpuRequest, proxyCpuLimit, proxyMemoryRequest, proxyMemoryLimit } = settings
  const limits = {
    ...(proxyCpuLimit !== undefined && { cpu: proxyCpuLimit }),
    ...(proxyMemoryLimit !== undefined && { memory: proxyMemoryLimit }),
  }
  return {
    requests: { cpu: proxyCpuRequest, memory: proxyMemoryRequest },
    ...(Object.keys(limits).length > 0 && { limits }),
  }
}
