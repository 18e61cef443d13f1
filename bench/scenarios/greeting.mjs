import { median, quantile } from '../statistics.mjs'

/** One after the other, where greetings come at once. */
const CONNECTIONS = 200
const WARM_UP_CONNECTIONS = 500

/** All at once, first: where none is greeted at once, a timer decides, and these are the result. */
const SLOW_CONNECTIONS = 20
const SLOW_MS = 500

/** Longer than any default that is compared: nginx reads ahead for 30 s. */
const TIMEOUT_MS = 45_000

const SPARE_MS = 30_000

export const greeting = {
  name: 'greeting',
  title: 'time to the first byte of a server that greets (MySQL), the client silent',
  needs: [],
  columns: [
    { key: 'medianMs', title: 'median ms', digits: 3 },
    { key: 'p99Ms', title: 'p99 ms', digits: 3 },
    { key: 'greetedPercent', title: 'greeted %', digits: 0 },
    { key: 'closedMs', title: 'closed without a greeting, median ms', digits: 0 },
  ],

  async run(stand) {
    const { port } = await stand.startServer('servers/greeting-server.mjs')
    await stand.startProxy(port)
    const client = stand.startLoad('load/greeting-client.mjs')
    const ask = (order) => client.ask({ timeoutMs: TIMEOUT_MS, ...order }, TIMEOUT_MS + SPARE_MS)

    const first = await ask({ count: SLOW_CONNECTIONS, atOnce: SLOW_CONNECTIONS })
    const isFast = first.greetedMs.some((ms) => ms < SLOW_MS)
    if (isFast) await ask({ count: WARM_UP_CONNECTIONS, atOnce: 1 })
    const count = isFast ? CONNECTIONS : SLOW_CONNECTIONS
    const result = isFast ? await ask({ count, atOnce: 1 }) : first

    const warnings = result.silent > 0 ? [`${result.silent} of ${count} heard nothing in ${TIMEOUT_MS / 1000} s`] : []
    // A close without a greeting is this scenario's finding where a timer closes; after a quick first one it is a fault.
    const errors =
      isFast && result.greetedMs.length < count ? [`${count - result.greetedMs.length} were not greeted`] : []
    return {
      figures: {
        medianMs: median(result.greetedMs),
        p99Ms: quantile(result.greetedMs, 0.99),
        greetedPercent: (result.greetedMs.length / count) * 100,
        closedMs: median(result.closedMs),
      },
      errors,
      warnings,
    }
  },
}
