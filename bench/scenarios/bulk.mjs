import { measureInterval } from '../interval.mjs'
import { runCurl } from '../load/curl.mjs'

/** Downloaded first, on a connection of its own, so that Node compiles what is hot. */
const WARM_UP_SHARE = 0.25

export const bulk = {
  name: 'bulk',
  title: 'one download over one connection',
  needs: ['curl'],
  columns: [
    { key: 'gigabytesPerSecond', title: 'GB/s', digits: 2 },
    { key: 'cpuSecondsPerGigabyte', title: 'CPU s/GB', digits: 3 },
    { key: 'proxyPercent', title: 'proxy core %', digits: 0 },
    { key: 'loadPercent', title: 'load core %', digits: 0 },
  ],

  async run(stand) {
    const { bulkBytes, loadCores } = stand.options
    const { port } = await stand.startServer('servers/bulk-server.mjs')
    await stand.startProxy(port)
    const download = (bytes) => runCurl({ url: `http://127.0.0.1:${stand.port}/${bytes}`, cores: loadCores })
    await download(bulkBytes * WARM_UP_SHARE)
    const interval = await measureInterval(stand, () => download(bulkBytes))
    const { received, seconds, status, connections } = interval.result
    const gigabytes = received / 1e9
    const errors = []
    if (received !== bulkBytes) errors.push(`curl: got ${received} bytes of ${bulkBytes}`)
    if (status !== 200 || connections !== 1) errors.push(`curl: status ${status} over ${connections} connections`)
    return {
      figures: {
        gigabytesPerSecond: gigabytes / seconds,
        cpuSecondsPerGigabyte: interval.proxySeconds === undefined ? undefined : interval.proxySeconds / gigabytes,
        proxyPercent: interval.proxyShare === undefined ? undefined : interval.proxyShare * 100,
        loadPercent: interval.loadShare * 100,
      },
      errors,
      warnings: interval.warnings,
      disturbed: interval.disturbed,
    }
  },
}
