/**
 * What Sluice adds to the time until a real server greets, or answers where the client speaks first: connect and first byte, directly
 * and through Sluice, with the default chain and with one that needs the name; medians of interleaved rounds. Prints what is added
 * beside what it may be, one connect more and a millisecond, and asserts nothing. `npm run bench:greetings [-- ROUNDS]`.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runnerImport } from 'vite'

import { findFreePort, untilListening } from './ports.mjs'
import { killAll, pinSelf, ProcessGroup } from './process-group.mjs'
import { median } from './statistics.mjs'
import { markdownTable } from './tables.mjs'

const SLUICE = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
/** The servers of the tests, as TypeScript. */
const SERVERS = fileURLToPath(new URL('../test/support/servers/greeting-servers.ts', import.meta.url))
const PROGRAMS = fileURLToPath(new URL('../test/support/need-programs.ts', import.meta.url))

const LEAST_ROUNDS = 30
const USUAL_ROUNDS = 100
const MOST_ROUNDS = 10_000
/** Of each way to each server, not counted: code is compiled on first use. */
const WARM_UP_ROUNDS = 60
const TIMEOUT_MS = 10_000
/** What may be added, beside one connect. */
const SPARE_MS = 1
/** Sluice is alone on its core; servers and client share the other. */
const PROXY_CORE = 1
const LOAD_CORES = '0'

const rounds = readRounds(process.argv[2] ?? String(USUAL_ROUNDS))
/** Each server that runs waits for our exit. */
process.setMaxListeners(100)
const group = new ProcessGroup()
const directory = mkdtempSync(join(tmpdir(), 'sluice-greetings-'))
process.once('exit', () => {
  killAll()
  rmSync(directory, { recursive: true, force: true })
})
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
])
  process.once(signal, () => process.exit(code))
process.exitCode = await main()

async function main() {
  if (cpus().length > 1) pinSelf(LOAD_CORES)
  const { GREETING_SERVERS } = (await runnerImport(SERVERS)).module
  const { needPrograms } = (await runnerImport(PROGRAMS)).module
  const started = []
  try {
    for (const kind of GREETING_SERVERS) {
      const isRoot = process.getuid() === 0
      if (needPrograms(...kind.programs).areMissing || (kind.needsRoot && !isRoot)) console.log(`without ${kind.title}`)
      else started.push({ kind, server: await kind.start(), ports: await waysTo() })
    }
    await startSluice(started)
    const rows = []
    for (const one of started) rows.push(await measure(one))
    console.log(
      `\nNode ${process.versions.node}, ${cpus()[0].model}, ${cpus().length} cores; medians of ${rounds} rounds, ms\n`,
    )
    console.log(
      markdownTable(
        ['server', 'connect', 'first byte', 'default chain', 'adds', 'needs the name', 'adds', 'may add', ''],
        rows,
      ),
    )
    return 0
  } finally {
    await group.stop()
    await Promise.all(started.map(({ server }) => server.stop()))
  }
}

async function waysTo() {
  return { beside: await findFreePort(), withheld: await findFreePort() }
}

/** One process with two listeners a server. */
async function startSluice(started) {
  const listeners = started.flatMap(({ kind, server, ports }) => [
    { address: `127.0.0.1:${ports.beside}`, destination: `127.0.0.1:${server.port}` },
    {
      address: `127.0.0.1:${ports.withheld}`,
      destination: `127.0.0.1:${server.port}`,
      filters: [
        { detect: { onUnknown: 'deny' } },
        {
          'tcp-forward': {
            routes: [
              { name: 'web', match: { protocol: ['tls', 'http/1'] }, destination: 'web' },
              { name: 'own', match: { protocol: kind.protocol }, destination: `127.0.0.1:${server.port}` },
            ],
          },
        },
      ],
    },
  ])
  // Whoever is named as web has come to the wrong place: nobody listens there.
  const upstreams = { web: { endpoints: [`127.0.0.1:${await findFreePort()}`] } }
  const file = join(directory, 'sluice.yaml')
  writeFileSync(file, JSON.stringify({ log: { level: 'warn' }, accessLog: false, upstreams, listeners }))
  group.start([process.execPath, SLUICE, 'run', '-c', file], { cores: cpus().length > 1 ? PROXY_CORE : 0 })
  for (const { ports } of started) for (const port of Object.values(ports)) await untilListening(port, group)
}

async function measure({ kind, server, ports }) {
  const ways = [server.port, ports.beside, ports.withheld]
  const times = ways.map(() => ({ connectMs: [], firstByteMs: [] }))
  for (let round = -WARM_UP_ROUNDS; round < rounds; round++) {
    // Each way is first, second and third equally often.
    for (let i = 0; i < ways.length; i++) {
      const way = (i + round + WARM_UP_ROUNDS) % ways.length
      const { connectMs, firstByteMs } = await greet(kind, ways[way])
      if (round < 0) continue
      times[way].connectMs.push(connectMs)
      times[way].firstByteMs.push(firstByteMs)
    }
  }
  const connectMs = median(times[0].connectMs)
  const [direct, beside, withheld] = times.map(({ firstByteMs }) => median(firstByteMs))
  const most = connectMs + SPARE_MS
  const added = [beside - direct, withheld - direct]
  const verdict = added.every((ms) => ms <= most) ? 'yes' : 'no'
  const figures = [connectMs, direct, beside, added[0], withheld, added[1], most].map((ms) => ms.toFixed(3))
  console.log(`${kind.title}: ${figures.join(' ')} ${verdict}`)
  return [kind.title, ...figures, verdict]
}

/** One connection, up to the server's first byte, which has to be the right one. */
function greet({ title, clientSays, serverSays }, port) {
  return new Promise((resolve, reject) => {
    const start = performance.now()
    let connectMs
    let heard
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    socket.setTimeout(TIMEOUT_MS, () => fail(`nothing came in ${TIMEOUT_MS} ms`))
    const fail = (why) => {
      reject(new Error(`${title}, port ${port}: ${why}`))
      socket.destroy()
    }
    socket.once('connect', () => {
      connectMs = performance.now() - start
      if (clientSays !== undefined) socket.write(Buffer.from(clientSays, 'latin1'))
    })
    socket.once('data', (bytes) => {
      heard = { connectMs, firstByteMs: performance.now() - start }
      if (!serverSays.test(bytes.toString('latin1'))) fail(`it said ${JSON.stringify(bytes.toString('latin1'))}`)
      else socket.end()
    })
    socket.once('error', (error) => (heard ? socket.destroy() : fail(error.message)))
    socket.once('end', () => socket.destroy())
    socket.once('close', () => (heard ? resolve(heard) : fail('it closed without a word')))
    socket.resume()
  })
}

function readRounds(text) {
  const count = Number(text)
  if (Number.isInteger(count) && count >= LEAST_ROUNDS && count <= MOST_ROUNDS) return count
  console.error(`rounds: a whole number from ${LEAST_ROUNDS} to ${MOST_ROUNDS}, got "${text}"`)
  process.exit(2)
}
