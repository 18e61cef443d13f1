/**
 * What slow readers cost in memory: a gigabyte goes up to a server that reads slowly, and another one down to a client that does, each with
 * a length and chunked, four connections at once, through a running Sluice that routes requests. Prints the proxy's resident memory each
 * second, and at the end what it was before, at most, and by how much it grew; ends with 1 where that is more than it may, or where other
 * bytes arrived than were sent. `npm run bench:slow-reader`; in full about 17 minutes. Linux only.
 */
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { Agent, createServer, request } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { keystream, readPaced, Tally } from './load/paced-body.mjs'
import { findFreePort, untilListening } from './ports.mjs'
import { killAll, ProcessGroup } from './process-group.mjs'
import { residentBytes } from './process-usage.mjs'

const MIB = 1024 * 1024
const MAX_GROWTH_BYTES = 64 * MIB
/** Small requests before memory is first looked at: what every proxy that has worked a little has. */
const WARM_UP_REQUESTS = 2000
const SAMPLE_MS = 1000

const USAGE = `node bench/slow-reader.mjs [options]

  --bytes N           length of each body (1000000000)
  --mb-per-second N   what a slow reader takes, in 10^6 bytes (1)
  --slow-seconds N    after so long readers take what they can (as long as it lasts)
  --cores LIST        the cores of the proxy, as taskset writes them (0-1)
  --sluice PATH       the built command line (dist/cli/main.js of this repository)`

/** What the server has sent and received, by path. */
const atServer = new Map()

const { values } = parseArgs({
  options: {
    bytes: { type: 'string', default: '1000000000' },
    'mb-per-second': { type: 'string', default: '1' },
    'slow-seconds': { type: 'string', default: 'Infinity' },
    cores: { type: 'string', default: '0-1' },
    sluice: { type: 'string', default: fileURLToPath(new URL('../dist/cli/main.js', import.meta.url)) },
    help: { type: 'boolean', short: 'h', default: false },
  },
})
if (values.help) console.log(USAGE)
else await main()

async function main() {
  const bytes = positive('bytes')
  const pace = { bytesPerSecond: positive('mb-per-second') * 1e6, slowSeconds: positive('slow-seconds') }
  const group = new ProcessGroup()
  const folder = mkdtempSync(join(tmpdir(), 'sluice-slow-reader-'))
  process.once('exit', killAll)
  for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => process.exit(1))
  const server = createServer((incoming, response) => void serve(incoming, response, bytes, pace))
  // Of this bench's own: node:http would give up on an upload after five minutes.
  server.requestTimeout = 0
  try {
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const port = await findFreePort()
    const proxy = startSluice(group, folder, port, server.address().port)
    await untilListening(port, group)
    await warmUp(port)
    await measure({ proxy, port, bytes, pace, group })
  } finally {
    server.closeAllConnections()
    server.close()
    await group.stop()
    rmSync(folder, { recursive: true })
  }
}

function positive(name) {
  const number = Number(values[name])
  if (number > 0) return number
  console.error(`--${name} must be a number above 0, got "${values[name]}"`)
  process.exit(1)
}

function startSluice(group, folder, port, origin) {
  const file = join(folder, 'sluice.yaml')
  const config = {
    log: { level: 'warn' },
    accessLog: false,
    listeners: [
      {
        name: 'bench',
        address: `127.0.0.1:${port}`,
        destination: `127.0.0.1:${origin}`,
        filters: ['detect', 'http-metrics', 'http-route', 'tcp-forward'],
      },
    ],
  }
  writeFileSync(file, JSON.stringify(config))
  return group.start([process.execPath, values.sluice, 'run', '-c', file], { cores: values.cores })
}

async function serve(incoming, response, bytes, pace) {
  const { url } = incoming
  if (url === '/small') return void response.end('ok')
  const tally = new Tally()
  atServer.set(url, tally)
  if (incoming.method === 'POST') {
    await readPaced(incoming, tally, pace).catch((error) => console.error(`${url}: ${error.message}`))
    return void response.end(tally.checksum())
  }
  if (url.endsWith('/length')) response.setHeader('content-length', bytes)
  await pipeline(Readable.from(keystream(bytes, url, (chunk) => tally.note(chunk))), response).catch((error) =>
    console.error(`${url}: ${error.message}`),
  )
}

async function warmUp(port) {
  const agent = new Agent({ keepAlive: true })
  for (let i = 0; i < WARM_UP_REQUESTS; i++) {
    const [response] = await once(request({ port, host: '127.0.0.1', path: '/small', agent }).end(), 'response')
    await once(response.resume(), 'end')
  }
  agent.destroy()
}

async function measure({ proxy, port, bytes, pace, group }) {
  const flows = ['/down/length', '/down/chunked', '/up/length', '/up/chunked'].map((path) =>
    path.startsWith('/down') ? download(port, path, pace) : upload(port, path, bytes),
  )
  const base = residentBytes(proxy.pid)
  let peak = base
  const startedAt = performance.now()
  const sample = () => {
    group.assertAlive()
    const resident = residentBytes(proxy.pid)
    peak = Math.max(peak, resident)
    const arrived = flows.map(({ path, received }) => `${path} ${(received().bytes / 1e6).toFixed(0)}`).join(', ')
    const seconds = Math.round((performance.now() - startedAt) / 1000)
    console.log(`${seconds} s: ${(resident / MIB).toFixed(1)} MiB resident; MB arrived: ${arrived}`)
  }
  const sampler = setInterval(sample, SAMPLE_MS)
  await Promise.all(flows.map(({ done }) => done)).finally(() => clearInterval(sampler))
  sample()
  report({ flows, bytes, base, peak })
}

function report({ flows, bytes, base, peak }) {
  let isWrong = false
  for (const { path, sent, received } of flows) {
    const isSame = sent().checksum() === received().checksum() && received().bytes === bytes
    isWrong ||= !isSame
    console.log(`${path}: ${received().bytes} bytes arrived, ${isSame ? 'the same' : 'OTHERS'} as were sent`)
  }
  const growth = peak - base
  const [before, most, more] = [base, peak, growth].map((size) => (size / MIB).toFixed(1))
  console.log(`resident memory of the proxy: ${before} MiB before, ${most} MiB at most: ${more} MiB more`)
  if (growth >= MAX_GROWTH_BYTES) console.log(`that is more than the ${MAX_GROWTH_BYTES / MIB} MiB that it may grow by`)
  if (isWrong || growth >= MAX_GROWTH_BYTES) process.exitCode = 1
}

function download(port, path, pace) {
  const received = new Tally()
  const done = once(request({ port, host: '127.0.0.1', path, agent: false }).end(), 'response').then(([response]) =>
    readPaced(response, received, pace),
  )
  return { path, done, sent: () => atServer.get(path), received: () => received }
}

function upload(port, path, bytes) {
  const sent = new Tally()
  const headers = path.endsWith('/length') ? { 'content-length': bytes } : {}
  const outgoing = request({ port, host: '127.0.0.1', path, method: 'POST', headers, agent: false })
  const answered = once(outgoing, 'response').then(([response]) => once(response.resume(), 'end'))
  const body = Readable.from(keystream(bytes, path, (chunk) => sent.note(chunk)))
  const done = Promise.all([pipeline(body, outgoing), answered])
  const none = new Tally()
  return { path, done, sent: () => sent, received: () => atServer.get(path) ?? none }
}
