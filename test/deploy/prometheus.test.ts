import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { parse } from 'yaml'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const programs = needPrograms('promtool (prometheus)')
const CONFIG = readFileSync(new URL('../../deploy/prometheus/prometheus.yml', import.meta.url), 'utf8')
const DISCOVERY = '    kubernetes_sd_configs:\n      - role: pod\n'

/** What Prometheus learns of one port of one container of a pod from Kubernetes. */
interface Discovered {
  readonly container?: string
  readonly port?: string
  readonly controller?: readonly [kind: string, name: string]
  readonly annotations?: Readonly<Record<string, string>>
}

/** How long Prometheus looks for targets: it always takes all of this. */
const LOOK_SECONDS = 3

/** Targets by what is expected of them. */
const TARGETS: readonly (Discovered & { readonly labels: Readonly<Record<string, string>> | undefined })[] = [
  {
    controller: ['ReplicaSet', 'other-5d8f7c9b64'],
    annotations: { 'sluice.dev/proxy-deployment': 'web', 'sluice.dev/proxy-version': '1.2.3' },
    labels: { deployment: 'web' },
  },
  { controller: ['ReplicaSet', 'shop-web-5d8f7c9b64'], labels: { deployment: 'shop-web' } },
  { controller: ['StatefulSet', 'db'], labels: { statefulset: 'db' } },
  { controller: ['DaemonSet', 'shipper'], labels: { daemonset: 'shipper' } },
  // "job" is Prometheus' own.
  { annotations: { 'sluice.dev/proxy-job': 'migrate' }, labels: { k8s_job: 'migrate' } },
  { annotations: { 'sluice.dev/proxy-cronjob': 'report' }, labels: { cronjob: 'report' } },
  { labels: {} },
  { container: 'web', labels: undefined },
  { port: 'sluice-inbound', labels: undefined },
]

/** The target as Prometheus' Kubernetes discovery describes it, at an address of its own. */
function group(
  { container = 'sluice-proxy', port = 'sluice-admin', controller, annotations = {} }: Discovered,
  index: number,
) {
  const labels = {
    __meta_kubernetes_namespace: 'shop',
    __meta_kubernetes_pod_name: `pod-${index}`,
    __meta_kubernetes_pod_container_name: container,
    __meta_kubernetes_pod_container_port_name: port,
    ...(controller && {
      __meta_kubernetes_pod_controller_kind: controller[0],
      __meta_kubernetes_pod_controller_name: controller[1],
    }),
    ...Object.fromEntries(
      Object.entries(annotations).map(([key, value]) => [
        `__meta_kubernetes_pod_annotation_${key.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`,
        value,
      ]),
    ),
  }
  return { targets: [`10.0.0.${index}:4191`], labels }
}

async function configWith(discovery: unknown): Promise<string> {
  const folder = await temporaryFolder('prometheus')
  onTestFinished(() => folder.remove())
  const file = join(folder.path, 'prometheus.yml')
  // Debian's Prometheus is built without Kubernetes; what it would find is given.
  writeFileSync(file, CONFIG.replace(DISCOVERY, `    static_configs: ${JSON.stringify(discovery)}\n`))
  return file
}

interface Checked {
  readonly discoveredLabels: Readonly<Record<string, string>>
  /** Empty where the target is not scraped. */
  readonly labels?: Readonly<Record<string, string>>
}

describe('deploy/prometheus/prometheus.yml', () => {
  test('finds targets by the pods of Kubernetes', () => {
    expect(CONFIG).toContain(DISCOVERY)
    const { scrape_configs: jobs } = parse(CONFIG) as { scrape_configs: { job_name: string }[] }
    expect(jobs.map(({ job_name: name }) => name)).toEqual(['sluice-proxy'])
  })

  describe.skipIf(programs.areMissing)(`as Prometheus understands it${programs.why}`, () => {
    test('is a valid configuration', async () => {
      const { code, stdout } = await runProgram('promtool', ['check', 'config', await configWith([])])
      expect([code, stdout]).toEqual([0, expect.stringContaining('SUCCESS')])
    })

    test('gives each sidecar its namespace, its pod and its workload, and leaves all else alone', async () => {
      const file = await configWith(TARGETS.map(group))
      const args = ['check', 'service-discovery', `--timeout=${LOOK_SECONDS}s`, file, 'sluice-proxy']
      const { code, stdout } = await runProgram('promtool', args)
      expect(code).toBe(0)
      const checked = JSON.parse(stdout) as Checked[]
      const byPod = new Map(
        checked.map((each) => [each.discoveredLabels['__meta_kubernetes_pod_name'], each.labels ?? {}]),
      )
      expect(byPod.size).toBe(TARGETS.length)
      TARGETS.forEach(({ labels }, index) => {
        const always = { namespace: 'shop', pod: `pod-${index}`, job: 'sluice-proxy', instance: `10.0.0.${index}:4191` }
        expect(visible(byPod.get(`pod-${index}`)!)).toEqual(labels ? { ...always, ...labels } : {})
      })
    })
  })
})

/** The labels that stay with what is scraped. */
function visible(labels: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(Object.entries(labels).filter(([name]) => !name.startsWith('__')))
}
