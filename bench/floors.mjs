/**
 * What Sluice is held to, on Node 24 with the default chain. A ratio compares work done, so it is given twice: in the
 * rate as measured, and for each second of CPU. Where the other proxy does not fill its core, since the load is the
 * bottleneck, the rate flatters Sluice; where Sluice waits, the CPU time does. A floor is reached where both reach it.
 */
export const FLOORS = [
  { scenario: 'small-requests', against: 'haproxy-http', atLeast: 1, rate: 'rate', cost: 'cpuMicros' },
  {
    scenario: 'routed-requests',
    of: 'sluice-http-route',
    against: 'haproxy-http',
    atLeast: 0.7,
    rate: 'rate',
    cost: 'cpuMicros',
  },
  { scenario: 'paced-requests', of: 'sluice-http-route', adds: 'p50Micros', against: 'direct', atMost: 300 },
  { scenario: 'http2-requests', against: 'haproxy-h2', atLeast: 0.8, rate: 'rate', cost: 'cpuMicros' },
  { scenario: 'grpc-unary', against: 'node-http2', atLeast: 5, rate: 'rate', cost: 'cpuMicros' },
  {
    scenario: 'bulk',
    against: 'sluice-opaque',
    atLeast: 0.9,
    rate: 'gigabytesPerSecond',
    cost: 'cpuSecondsPerGigabyte',
  },
  { scenario: 'new-connections', against: 'haproxy-tcp', atLeast: 0.4, rate: 'rate', cost: 'cpuMicros' },
  { scenario: 'bulk', against: 'haproxy-tcp', atLeast: 0.7, rate: 'gigabytesPerSecond', cost: 'cpuSecondsPerGigabyte' },
  { scenario: 'idle-pairs', atMost: 16, figure: 'silentKibibytes' },
  { scenario: 'idle-pairs', atMost: 16, figure: 'usedKibibytes' },
]

/**
 * Compares the medians of a run with the floors.
 * @param medianOf `(scenario, target, figure)`: a number, or undefined where it was not measured
 * @returns rows `{ scenario, floor, reached, verdict }`, texts for the last table
 */
export function judgeFloors(medianOf, titleOf) {
  return FLOORS.map((floor) => judge(floor, medianOf, titleOf))
}

function judge(floor, medianOf, titleOf) {
  if (floor.atLeast !== undefined) return judgeRatio(floor, medianOf, titleOf)
  return floor.adds === undefined ? judgeSize(floor, medianOf) : judgeLatency(floor, medianOf)
}

function judgeRatio({ scenario, of = 'sluice', against, atLeast, rate, cost }, medianOf, titleOf) {
  const asMeasured = ratio(medianOf(scenario, of, rate), medianOf(scenario, against, rate))
  const perCpuSecond = ratio(medianOf(scenario, against, cost), medianOf(scenario, of, cost))
  const floor = `${scenario}: ${atLeast} of ${titleOf(against)}`
  if (asMeasured === undefined || perCpuSecond === undefined)
    return { scenario, floor, reached: '–', verdict: 'not measured' }
  return {
    scenario,
    floor,
    reached: `${asMeasured.toFixed(2)} as measured, ${perCpuSecond.toFixed(2)} a CPU second`,
    verdict: ratioVerdict(asMeasured >= atLeast, perCpuSecond >= atLeast),
  }
}

function ratioVerdict(asMeasured, perCpuSecond) {
  if (asMeasured && perCpuSecond) return 'yes'
  return asMeasured ? 'no: only as measured' : perCpuSecond ? 'no: only a CPU second' : 'no'
}

function judgeSize({ scenario, atMost, figure }, medianOf) {
  const kibibytes = medianOf(scenario, 'sluice', figure)
  const state = figure === 'silentKibibytes' ? 'nothing said yet' : 'after one exchange'
  const floor = `${scenario}: at most ${atMost} KiB a pair, ${state}`
  if (kibibytes === undefined) return { scenario, floor, reached: '–', verdict: 'not measured' }
  return { scenario, floor, reached: `${kibibytes.toFixed(2)} KiB`, verdict: kibibytes <= atMost ? 'yes' : 'no' }
}

/** What the proxy adds to the time that the load takes without one. */
function judgeLatency({ scenario, of, adds, against, atMost }, medianOf) {
  const [through, direct] = [medianOf(scenario, of, adds), medianOf(scenario, against, adds)]
  const floor = `${scenario}: at most ${atMost} µs added in the median`
  if (through === undefined || direct === undefined) return { scenario, floor, reached: '–', verdict: 'not measured' }
  const added = through - direct
  return { scenario, floor, reached: `${added.toFixed(0)} µs`, verdict: added <= atMost ? 'yes' : 'no' }
}

function ratio(above, below) {
  return above === undefined || below === undefined ? undefined : above / below
}
