/**
 * What detection costs: all sniffers over one window, a window that grows byte by byte, and memory. Prints microseconds, medians of
 * several rounds, beside the most that each may be; ends with 1 where one is more. `npm run bench:sniffers`.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { cpus } from 'node:os'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { Detection, SnifferPlan } from '../dist/core/detection.js'
import { builtInSniffers } from '../dist/plugins/built-in-sniffers.js'
import { randomSource } from '../dist/testing/random-source.js'
import { median } from './statistics.mjs'

const ROUNDS = 7
/** A round measures for at least so long. */
const ROUND_MS = 40
const KIB = 1024
const MIB = 1024 * KIB

const plan = new SnifferPlan(builtInSniffers, ({ protocol }, error) => {
  throw new Error(`${protocol} threw`, { cause: error })
})
const random = randomSource(1)
const HTTP = Buffer.from(
  'GET /orders/17?full=1 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: curl/8.5.0\r\nAccept: */*\r\n\r\n',
)
/** Of 1.5 to 2 KB, with a post-quantum key share. */
const TLS = longestRecorded('tls')
const FILLERS = {
  random: () => Buffer.from(random.bytes(16 * KIB)),
  zeros: () => Buffer.alloc(16 * KIB),
  '0xff': () => Buffer.alloc(16 * KIB, 0xff),
  letters: () => Buffer.alloc(16 * KIB, 'a'),
  words: () => Buffer.alloc(16 * KIB, 'abc def '),
  lines: () => Buffer.alloc(16 * KIB, 'abc def\r\n'),
  digits: () => Buffer.alloc(16 * KIB, '220 '),
}

console.log(`${builtInSniffers.length} sniffers, Node ${process.versions.node}, ${cpus()[0].model}\n`)
const failures = []
warmUp()
report('detection of an HTTP/1 request', 1.5, (window) => detect('client', window), [HTTP])
report(`detection of a TLS ClientHello of ${TLS.length} bytes`, 1.5, (window) => detect('client', window), [TLS])
for (const [size, most] of [
  [2 * KIB, 5],
  [16 * KIB, 25],
]) {
  for (const side of ['client', 'server']) {
    const windows = worstWindows(side, size)
    report(
      `detection of ${size / KIB} KiB from the ${side}, the worst of ${windows.length}`,
      most,
      (w) => detect(side, w),
      windows,
    )
    report(`  each sniffer asked, whatever the first byte, the worst`, most, (w) => askAll(side, w), windows)
  }
}
growth()
memory()
if (failures.length > 0) {
  console.log(`\nmore than it may be:\n${failures.map((line) => `  ${line}`).join('\n')}`)
  process.exitCode = 1
}

/** As a live connection is looked at, once. */
function detect(side, window) {
  const detection = new Detection(plan)
  detection.look(side, window)
  return detection.protocol
}

function askAll(side, window) {
  let yes = 0
  for (const sniffer of builtInSniffers) if (plan.ask(sniffer, side, window) === 'match') yes++
  return yes
}

/** The slowest of the windows. */
function report(title, most, look, windows) {
  const worst = Math.max(...windows.map((window) => microseconds(look, window)))
  print(title, `${worst.toFixed(2)} us`, `${most} us`, worst <= most)
}

function print(title, figure, most, isGood) {
  const line = `${title.padEnd(62)} ${figure.padStart(12)}   at most ${most}`
  console.log(line)
  if (!isGood) failures.push(line)
}

function microseconds(look, window) {
  let count = 16
  const times = []
  while (times.length < ROUNDS) {
    const started = process.cpuUsage()
    for (let i = 0; i < count; i++) look(window)
    const took = cpuMs(started)
    if (took < ROUND_MS / 4) count *= 4
    else times.push((took * 1000) / count)
  }
  return median(times)
}

/** CPU time of this process, in milliseconds: others that run meanwhile do not count. */
function cpuMs(since) {
  const { user, system } = process.cpuUsage(since)
  return (user + system) / 1000
}

/** Every sample and recorded first words, continued with fillers; and the fillers alone. */
function worstWindows(side, size) {
  const heads = [Buffer.alloc(0), ...seedsOf(side)]
  const windows = heads.flatMap((head) =>
    Object.values(FILLERS).map((fill) => Buffer.concat([head, fill()]).subarray(0, size)),
  )
  // A quick look at all, then a long one at the slowest.
  const quick = windows.map((window) => [quickly(side, window), window]).sort(([a], [b]) => b - a)
  return quick.slice(0, 12).map(([, window]) => window)
}

function quickly(side, window) {
  const started = process.cpuUsage()
  for (let i = 0; i < 20; i++) askAll(side, window)
  return cpuMs(started)
}

/** A window that grows byte by byte: the cost of a byte must not grow with the window. */
function growth() {
  console.log()
  const cases = [
    ['client', 'a request target without end', Buffer.concat([Buffer.from('GET /'), Buffer.alloc(8 * KIB, 'a')])],
    ['client', 'a ClientHello in one record', TLS],
    ['client', 'a ClientHello in records of one byte', inRecordsOfOneByte(TLS)],
    ['server', 'a greeting without end', Buffer.concat([Buffer.from('220 '), Buffer.alloc(8 * KIB, 'ab ')])],
    ['server', 'INFO without end', Buffer.concat([Buffer.from('INFO {"a":"'), Buffer.alloc(8 * KIB, 'a')])],
    ['client', 'random bytes', Buffer.from(random.bytes(8 * KIB))],
  ]
  for (const [side, title, bytes] of cases) {
    const short = byteCost(side, bytes.subarray(0, bytes.length >> 3))
    const long = byteCost(side, bytes)
    const text = `${short.toFixed(3)} / ${long.toFixed(3)} us`
    print(
      `a byte of ${title}, ${bytes.length >> 3} and ${bytes.length} bytes`,
      text,
      'twice as much',
      long <= 2 * short + 0.05,
    )
  }
}

/** RFC 8446 section 5.1: type(1) version(2) length(2) before each byte of the message. */
function inRecordsOfOneByte(hello) {
  return Buffer.concat(Array.from(hello.subarray(5), (byte) => Buffer.of(22, 3, 1, 0, 1, byte)))
}

function byteCost(side, bytes) {
  const grow = () => {
    const detection = new Detection(plan)
    for (let length = 1; length <= bytes.length; length++) detection.look(side, bytes.subarray(0, length))
  }
  return microseconds(grow, bytes) / bytes.length
}

/** A million calls without a match leave nothing behind. */
function memory() {
  setFlagsFromString('--expose-gc')
  const collect = runInNewContext('gc')
  const windows = Object.values(FILLERS).map((fill) => fill().subarray(0, 64))
  const round = () => {
    for (let i = 0; i < 1_000_000; i++) askAll('client', windows[i % windows.length])
  }
  round()
  collect()
  const before = process.memoryUsage().heapUsed
  round()
  collect()
  const grown = process.memoryUsage().heapUsed - before
  console.log()
  print('heap after a million windows without a match', `${(grown / MIB).toFixed(3)} MiB`, '1 MiB', grown < MIB)
}

function warmUp() {
  for (const side of ['client', 'server'])
    for (const seed of seedsOf(side)) for (let i = 0; i < 500; i++) detect(side, seed)
}

/** The longest first words of a client, of all recorded conversations of a protocol. */
function longestRecorded(protocol) {
  const firsts = recorded()
    .filter((row) => row.protocol === protocol)
    .flatMap(({ segments }) => segments.filter(({ from }) => from === 'client').slice(0, 1))
    .map(({ data }) => Buffer.from(data, 'base64'))
  return firsts.reduce((longest, one) => (one.length > longest.length ? one : longest))
}

function recorded() {
  const folder = new URL('../test/fixtures/captures/', import.meta.url)
  return readdirSync(folder).flatMap((name) =>
    readFileSync(new URL(name, folder), 'utf8').split('\n').filter(Boolean).map(JSON.parse),
  )
}

function seedsOf(side) {
  const captured = recorded().flatMap(({ segments }) => segments.filter(({ from }) => from === side).slice(0, 1))
  const samples = builtInSniffers.flatMap((sniffer) => sniffer.samples[side] ?? [])
  return [
    ...samples.map((sample) => (typeof sample === 'string' ? Buffer.from(sample, 'latin1') : Buffer.from(sample))),
    ...captured.map(({ data }) => Buffer.from(data, 'base64')),
  ]
}
