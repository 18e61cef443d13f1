/**
 * What clients notice when one endpoint of three becomes slow or begins to fail: GETs at an even rate over 20 connections, through Sluice with its
 * defaults and through HAProxy in the same run. Prints the share of requests that the third endpoint got, what clients waited, and how
 * many were answered with a 200; asserts nothing. Latency counts from when a request was due, not from when it could be sent.
 * `npm run bench:endpoints [-- SECONDS]`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, get } from 'node:http'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { setTimeout as delay } from 'node:timers/promises'

import { describeEnvironment } from './environment.mjs'
import { findFreePort, untilListening } from './ports.mjs'
import { killAll, pinSelf, ProcessGroup } from './process-group.mjs'
import { quantile } from './statistics.mjs'
import { markdownTable } from './tables.mjs'

const SLUICE = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const SERVER = fileURLToPath(new URL('servers/unequal-server.mjs', import.meta.url))

const CONNECTIONS = 20
const REQUESTS_PER_SECOND = 200
const USUAL_SECONDS = 10
const MOST_SECONDS = 600
/** Not counted: code is compiled on first use. */
const WARM_UP_SECONDS = 2
/** A client gives up then; proxies wait half as long for a server. */
const CLIENT_TIMEOUT_MS = 4_000
const SERVER_TIMEOUT_MS = 1_000
const ASK_TIMEOUT_MS = 5_000
/** The proxy is alone on its core; servers and client share the other. */
const PROXY_CORE = cpus().length > 1 ? 1 : 0
const LOAD_CORES = '0'

/** What the third endpoint does. */
const BEHAVIOURS = ['healthy', 'slow', 'refusing', 'resetting', 'failing', 'hanging']

const PROXIES = [
  { name: 'sluice', start: (group, directory, port, servers) => startSluice(group, directory, port, servers, '') },
  {
    name: 'sluice, ejection',
    start: (group, directory, port, servers) => startSluice(group, directory, port, servers, 'ejection: {}'),
  },
  { name: 'haproxy roundrobin', start: (...stand) => startHaproxy(...stand, 'roundrobin') },
  { name: 'haproxy leastconn', start: (...stand) => startHaproxy(...stand, 'leastconn') },
]

const seconds = readSeconds(process.argv[2] ?? String(USUAL_SECONDS))
const directory = mkdtempSync(join(tmpdir(), 'sluice-endpoints-'))
process.once('exit', () => {
  killAll()
  rmSync(directory, { recursive: true, force: true })
})
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
])
  process.once(signal, () => process.exit(code))
await main()

async function main() {
  if (cpus().length > 1) pinSelf(LOAD_CORES)
  const environment = describeEnvironment({ node: process.execPath })
  const proxies = PROXIES.filter(({ name }) => !name.startsWith('haproxy') || environment.haproxy !== 'not installed')
  if (proxies.length < PROXIES.length) console.log('without haproxy: it is not installed')
  const rows = []
  for (const behaviour of BEHAVIOURS) for (const proxy of proxies) rows.push(await measure(behaviour, proxy))
  const { cpu, cores, node, haproxy } = environment
  console.log(
    `\nNode ${node}, haproxy ${haproxy}, ${cpu}, ${cores} cores; ${seconds} s at ${REQUESTS_PER_SECOND}/s each\n`,
  )
  const head = ['third endpoint', 'proxy', 'requests', 'third got', 'share', 'p50 ms', 'p99 ms', 'max ms', 'success']
  console.log(markdownTable(head, rows))
}

async function measure(behaviour, { name, start }) {
  const group = new ProcessGroup()
  try {
    const servers = [await findFreePort(), await findFreePort(), await findFreePort()]
    const port = await findFreePort()
    const server = group.start([process.execPath, SERVER, ...servers.map(String)], {
      cores: LOAD_CORES,
      ipc: true,
    })
    for (const one of servers) await untilListening(one, group)
    start(group, directory, port, servers)
    await untilListening(port, group)
    await load(port, WARM_UP_SECONDS)
    // All was well until now: what is measured begins with the change.
    await server.ask(behaviour, ASK_TIMEOUT_MS)
    const answers = await load(port, seconds)
    const counts = await server.ask(behaviour, ASK_TIMEOUT_MS)
    const took = answers.map(({ ms }) => ms)
    const asked = counts.reduce((sum, count) => sum + count.asked, 0)
    const well = answers.filter(({ isWell }) => isWell).length
    const third = counts[2].asked
    const row = [
      behaviour,
      name,
      String(answers.length),
      behaviour === 'refusing' ? '' : String(third),
      behaviour === 'refusing' ? '' : `${((third / asked) * 100).toFixed(2)} %`,
      ...[quantile(took, 0.5), quantile(took, 0.99), Math.max(...took)].map((ms) => ms.toFixed(2)),
      `${((well / answers.length) * 100).toFixed(2)} %`,
    ]
    console.log(row.join('  '))
    return row
  } finally {
    await group.stop()
  }
}

/** Each connection has a request due at even times, which waits for its predecessor. */
async function load(port, forSeconds) {
  const everyMs = (CONNECTIONS / REQUESTS_PER_SECOND) * 1000
  const start = performance.now()
  const answers = []
  await Promise.all(
    Array.from({ length: CONNECTIONS }, async (_, index) => {
      const agent = new Agent({ keepAlive: true, maxSockets: 1 })
      const first = start + (everyMs * index) / CONNECTIONS
      for (let due = first; due < start + forSeconds * 1000; due += everyMs) {
        await delay(Math.max(0, due - performance.now()))
        // A timer may be early by a part of a millisecond; it is late where the predecessor was.
        const from = Math.min(due, performance.now())
        const isWell = await ask(port, agent)
        answers.push({ isWell, ms: performance.now() - from })
      }
      agent.destroy()
    }),
  )
  return answers
}

function ask(port, agent) {
  return new Promise((resolve) => {
    const request = get({ port, host: '127.0.0.1', agent, timeout: CLIENT_TIMEOUT_MS }, (response) => {
      response.resume()
      response.once('close', () => resolve(response.complete && response.statusCode === 200))
    })
    request.once('timeout', () => request.destroy())
    request.once('error', () => resolve(false))
  })
}

function startSluice(group, directory, port, servers, upstream) {
  const file = join(directory, `sluice-${port}.yaml`)
  writeFileSync(
    file,
    `log: { level: error }
upstreams:
  web: { endpoints: [${servers.map((server) => `"127.0.0.1:${server}"`).join(', ')}]${upstream && `, ${upstream}`} }
listeners:
  - address: 127.0.0.1:${port}
    destination: web
    filters:
      - detect
      - http-route: { timeouts: { attempt: ${SERVER_TIMEOUT_MS}ms } }
      - tcp-forward
`,
  )
  group.start([process.execPath, SLUICE, 'run', '-c', file], { cores: PROXY_CORE })
}

function startHaproxy(group, directory, port, servers, balance) {
  const file = join(directory, `haproxy-${port}.cfg`)
  writeFileSync(
    file,
    `global
  nbthread 1
defaults
  mode http
  timeout connect 5s
  timeout client 60s
  timeout server ${SERVER_TIMEOUT_MS}ms
listen bench
  bind 127.0.0.1:${port}
  balance ${balance}
  option redispatch
  retries 3
  retry-on all-retryable-errors
  ${servers.map((server, index) => `server web${index} 127.0.0.1:${server}`).join('\n  ')}
`,
  )
  group.start(['haproxy', '-db', '-f', file], { cores: PROXY_CORE })
}

function readSeconds(text) {
  const count = Number(text)
  if (Number.isInteger(count) && count >= 1 && count <= MOST_SECONDS) return count
  console.error(`seconds: a whole number from 1 to ${MOST_SECONDS}, got "${text}"`)
  process.exit(2)
}
