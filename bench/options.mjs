import { parseArgs } from 'node:util'

/** What `--help` prints. */
export const USAGE = `node bench/main.mjs [scenario ...] [options]

Scenarios: small-requests, routed-requests, paced-requests, burst-requests, new-connections, bulk, http2-requests,
           grpc-unary, idle-pairs, greeting (default: all)

  --rounds N          interleaved rounds of each scenario (5)
  --seconds N         length of a measured interval in the rate scenarios (5)
  --gigabytes N       size of the bulk download, 10^9 bytes (4)
  --pairs N           idle connection pairs (5000)
  --only A,B          these columns only: direct, sluice, sluice-routes, sluice-opaque, sluice-http-route, haproxy-tcp,
                      haproxy-splice, haproxy-detect, haproxy-http, haproxy-h2, node-http2, nginx, nginx-http,
                      nginx-preread, node-pipe
  --node PATH         the Node that runs Sluice and the pipe proxy (the one that runs this)
  --sluice PATH       the built command line (dist/cli/main.js of this repository)
  --proxy-core N      the one core of each proxy (1)
  --load-cores LIST   the cores of origin and load, as taskset writes them (0)
  --json FILE         also write every round and the medians there`

/** Bounds of the numeric options: a run ends in finite time and fits the ports and descriptors of a machine. */
const NUMBERS = {
  rounds: { fallback: 5, min: 1, max: 50 },
  seconds: { fallback: 5, min: 1, max: 120 },
  gigabytes: { fallback: 4, min: 1, max: 64 },
  pairs: { fallback: 5000, min: 10, max: 20_000 },
  'proxy-core': { fallback: 1, min: 0, max: 1023 },
}

/** A command line that cannot be carried out; its message is all that the user needs. */
export class UsageError extends Error {}

/** Reads the command line. Throws UsageError. */
export function readOptions(args) {
  const { values, positionals } = parseWords(args)
  return {
    help: values.help,
    scenarios: positionals,
    rounds: readNumber(values, 'rounds'),
    seconds: readNumber(values, 'seconds'),
    bulkBytes: readNumber(values, 'gigabytes') * 1e9,
    pairs: readNumber(values, 'pairs'),
    only: values.only?.split(',').map((name) => name.trim()),
    node: values.node,
    sluice: values.sluice,
    proxyCore: readNumber(values, 'proxy-core'),
    loadCores: values['load-cores'],
    json: values.json,
  }
}

function parseWords(args) {
  const config = {
    args,
    allowPositionals: true,
    options: {
      ...Object.fromEntries(Object.keys(NUMBERS).map((name) => [name, { type: 'string' }])),
      only: { type: 'string' },
      node: { type: 'string', default: process.execPath },
      sluice: { type: 'string' },
      'load-cores': { type: 'string', default: '0' },
      json: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  }
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError(error.message, { cause: error })
  }
}

function readNumber(values, name) {
  const { fallback, min, max } = NUMBERS[name]
  const text = values[name]
  if (text === undefined) return fallback
  const number = Number(text)
  if (!Number.isInteger(number) || number < min || number > max) {
    throw new UsageError(`--${name} must be a whole number from ${min} to ${max}, got "${text}"`)
  }
  return number
}

/** Picks items by name, in the order of `items`. Throws a UsageError that lists the names where one is unknown. */
export function pickByName(items, names, kind) {
  if (names === undefined || names.length === 0) return items
  const known = items.map((item) => item.name)
  const unknown = names.find((name) => !known.includes(name))
  if (unknown !== undefined) throw new UsageError(`no ${kind} "${unknown}"; there are ${known.join(', ')}`)
  return items.filter((item) => names.includes(item.name))
}
