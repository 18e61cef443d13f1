import { UsageError } from './options.mjs'
import { acceptedConnections, coreBusySeconds, cpuSeconds, ownCpuSeconds } from './process-usage.mjs'

/** Below this share of its core a proxy was waiting for something: its rate says less about it than its CPU time does. */
const BUSY_ENOUGH = 0.9

/** Above this share of a core that others used, the interval is disturbed. Below it lies the grain of /proc/stat. */
const MAX_FOREIGN = 0.05

/**
 * Runs `work` and says what the proxy and the cores did meanwhile.
 * @returns `proxySeconds` of CPU (undefined without a proxy); `proxyShare` of its core; `loadShare` of the load cores;
 *   `accepted` connections on the whole machine; `warnings` for the reader; `disturbed` where processes that are not
 *   of the measurement took part of a core
 */
export async function measureInterval({ proxy, group, options }, work) {
  const before = snapshot(proxy, group, options)
  const result = await work()
  const after = snapshot(proxy, group, options)

  const seconds = after.time - before.time
  const share = (key) => (after[key] - before[key]) / seconds
  const proxyShare = proxy === undefined ? undefined : share('proxy')
  const foreign = [['load', share('loadCores') - share('load')]]
  if (proxy !== undefined) foreign.push(['proxy', share('proxyCore') - share('proxy')])
  const disturbing = foreign.filter(([, foreignShare]) => foreignShare > MAX_FOREIGN)
  return {
    result,
    proxySeconds: proxy === undefined ? undefined : after.proxy - before.proxy,
    proxyShare,
    loadShare: share('loadCores') / listCores(options.loadCores).length,
    accepted: after.accepted - before.accepted,
    disturbed: disturbing.length > 0,
    warnings: [...idleWarnings(proxyShare), ...disturbing.map(foreignWarning)],
  }
}

function snapshot(proxy, group, { proxyCore, loadCores }) {
  const origins = group.pids.filter((pid) => pid !== proxy?.pid)
  return {
    time: performance.now() / 1000,
    proxy: proxy === undefined ? 0 : cpuSeconds(proxy.pid),
    load: ownCpuSeconds() + origins.reduce((sum, pid) => sum + cpuSeconds(pid), 0),
    proxyCore: coreBusySeconds(proxyCore),
    loadCores: listCores(loadCores).reduce((sum, core) => sum + coreBusySeconds(core), 0),
    accepted: acceptedConnections(),
  }
}

function idleWarnings(proxyShare) {
  if (proxyShare === undefined || proxyShare >= BUSY_ENOUGH) return []
  return [`the proxy used ${percent(proxyShare)} of its core: it was not the bottleneck all the time`]
}

function foreignWarning([whose, share]) {
  return `other processes used ${percent(share)} of a core of the ${whose}`
}

function percent(share) {
  return `${Math.round(share * 100)} %`
}

/** Reads `0`, `0,2` or `0,2-5`, as taskset takes them. */
export function listCores(text) {
  return text.split(',').flatMap((part) => {
    const match = /^(\d+)(?:-(\d+))?$/.exec(part)
    if (match === null) throw new UsageError(`--load-cores must look like 0 or 0,2-3, got "${text}"`)
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])]
    return Array.from({ length: Math.max(0, last - first + 1) }, (_, index) => first + index)
  })
}
