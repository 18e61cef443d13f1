import { setTimeout as delay } from 'node:timers/promises'

import { residentBytes } from '../process-usage.mjs'

/** Opened and closed before the first reading, so that code compiled on first use is not counted as connections. */
const WARM_UP_PAIRS = 100

const ANSWER_TIMEOUT_MS = 60_000

/** Memory counts as settled when this many readings in a row lie within 0.5 % of each other; it is read anyway at the end. */
const STABLE_READINGS = 8
const READING_INTERVAL_MS = 250
const STABLE_SPREAD = 0.005
const MAX_SETTLE_MS = 20_000

export const idlePairs = {
  name: 'idle-pairs',
  title: 'resident memory for each idle pair of connections',
  needs: [],
  columns: [
    { key: 'silentKibibytes', title: 'KiB/pair, nothing said yet', digits: 2 },
    { key: 'usedKibibytes', title: 'KiB/pair, after one exchange', digits: 2 },
    { key: 'beforeMebibytes', title: 'MiB before', digits: 1 },
    { key: 'afterMebibytes', title: 'MiB after', digits: 1 },
  ],

  async run(stand) {
    const { pairs } = stand.options
    const { server, port } = await stand.startServer('servers/holding-server.mjs')
    await stand.startProxy(port)
    const client = stand.startLoad('load/idle-client.mjs')
    // The count of failures is of all orders so far.
    const order = async (message) => (await client.ask(message, ANSWER_TIMEOUT_MS)).failed

    await order({ open: WARM_UP_PAIRS })
    await order({ exchange: true })
    await order({ close: true })
    const warnings = []
    const before = await settledMemory(stand.proxy, warnings)

    await order({ open: pairs })
    await untilHeld(server, pairs)
    const silent = await settledMemory(stand.proxy, warnings)
    const failed = await order({ exchange: true })
    const used = await settledMemory(stand.proxy, warnings)

    const { open } = await server.ask({}, ANSWER_TIMEOUT_MS)
    const errors = []
    if (failed > 0) errors.push(`${failed} connections or exchanges failed`)
    if (open !== pairs) errors.push(`the server held ${open} connections at the end, expected ${pairs}`)
    return {
      figures: {
        silentKibibytes: (silent - before) / pairs / 1024,
        usedKibibytes: (used - before) / pairs / 1024,
        beforeMebibytes: before / 2 ** 20,
        afterMebibytes: used / 2 ** 20,
      },
      errors,
      warnings,
    }
  },
}

/** The client's connect is answered by the kernel: only the server knows that the other half of each pair is there. */
async function untilHeld(server, pairs) {
  const deadline = performance.now() + ANSWER_TIMEOUT_MS
  for (;;) {
    const { open } = await server.ask({}, ANSWER_TIMEOUT_MS)
    if (open >= pairs || performance.now() > deadline) return
    await delay(READING_INTERVAL_MS)
  }
}

async function settledMemory(proxy, warnings) {
  const readings = []
  const deadline = performance.now() + MAX_SETTLE_MS
  while (performance.now() < deadline) {
    readings.push(residentBytes(proxy.pid))
    const last = readings.slice(-STABLE_READINGS)
    if (last.length === STABLE_READINGS && Math.max(...last) - Math.min(...last) <= STABLE_SPREAD * last[0]) {
      return readings.at(-1)
    }
    await delay(READING_INTERVAL_MS)
  }
  warnings.push(`memory had not settled after ${MAX_SETTLE_MS / 1000} s`)
  return readings.at(-1)
}
