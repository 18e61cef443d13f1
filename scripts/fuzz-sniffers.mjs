// node scripts/fuzz-sniffers.mjs [--seconds N | --windows N] [--seed N]: holds the built-in sniffers to their laws, on windows made
// from their samples and from the recorded conversations of test/fixtures/captures/. After `npm run build`.
//
// For each window: every sniffer is total, its verdict is stable from a shorter window to the whole and does not depend on what it
// is told that it has seen; none writes to the window; detection gives the same name however the window is cut, and never a name
// that no sniffer gave. Ends with 1 at the first violation, with all that is needed to see it again.
import { readdirSync, readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { Detection, SnifferPlan } from '../dist/core/detection.js'
import { builtInSniffers } from '../dist/plugins/built-in-sniffers.js'
import { generateWindow } from '../dist/testing/generate-windows.js'
import { randomSource } from '../dist/testing/random-source.js'

const USAGE = 'usage: node scripts/fuzz-sniffers.mjs [--seconds N | --windows N] [--seed N]'
const SIDES = ['client', 'server']
/** Looked at between two looks at the clock. */
const BATCH = 1000
/** Windows up to this length are shown byte by byte, too. */
const BYTE_BY_BYTE = 48
/** What a sniffer makes of so long a request line is decided behind 8 KiB of it; no sample or recording has one. */
const LONG_LINES = ['GET /', 'IMG /', 'GET http://a/', 'OPTIONS rtsp://a/'].flatMap((start) =>
  [2040, 8170, 8185].map((length) => start.padEnd(length, 'a')),
)

const { seconds, windows, seed } = readArguments()
const random = randomSource(seed)
const seeds = { client: seedsOf('client'), server: seedsOf('server') }
const plan = new SnifferPlan(builtInSniffers, (sniffer, error) => {
  throw Object.assign(new Error(`${sniffer.protocol} threw`), { cause: error })
})
const started = performance.now()
let looked = 0
let named = 0
while (looked < windows && performance.now() - started < seconds * 1000) {
  for (let i = 0; i < BATCH && looked < windows; i++, looked++) look(random.pick(SIDES))
}
const took = ((performance.now() - started) / 1000).toFixed(1)
console.log(
  `fuzz: ${looked} windows in ${took} s, seed ${seed}: ${builtInSniffers.length} sniffers kept their laws; ${named} windows were named`,
)

function look(side) {
  const window = generateWindow(seeds[side], random)
  try {
    checkSniffers(window, side)
    checkCuts(window, side)
  } catch (error) {
    console.error(`fuzz: violation after ${looked} windows, seed ${seed}, ${side}`)
    console.error(
      `  ${Buffer.from(window).toString('hex') || '(empty)'}\n  ${JSON.stringify(Buffer.from(window).toString('latin1'))}`,
    )
    console.error(`  ${error.message}`, error.cause ?? '')
    process.exit(1)
  }
}

function checkSniffers(window, side) {
  const length = random.integer(window.length + 1)
  for (const sniffer of plan.candidates(side, window[0] ?? 0)) {
    const copy = window.slice()
    const prefix = window.slice(0, length)
    const early = sniffer[side](prefix, 0)
    const whole = sniffer[side](copy, 0)
    if (early === 'need-more' && length >= sniffer.maxBytes)
      throw new Error(`${sniffer.protocol} wants more than maxBytes`)
    if (!mayFollow(early, whole))
      throw new Error(`${sniffer.protocol}: ${text(early)} after ${length}, then ${text(whole)}`)
    if (early === 'need-more' || early === 'sure') {
      const resumed = sniffer[side](copy, length)
      if (!isSame(resumed, whole)) {
        throw new Error(`${sniffer.protocol}: ${text(resumed)} when told of ${length} seen bytes, else ${text(whole)}`)
      }
    }
    if (Buffer.compare(copy, window) !== 0) throw new Error(`${sniffer.protocol} wrote to the window`)
  }
}

function checkCuts(window, side) {
  const whole = nameOf(window, side, [window.length])
  if (whole !== undefined) {
    named++
    const verdict = builtInSniffers.find(({ protocol }) => protocol === whole)[side](window, 0)
    if (verdict === 'no-match' || verdict === 'need-more') throw new Error(`named ${whole}, which said ${verdict}`)
  }
  const cut = random.integer(window.length + 1)
  const cuts = [[cut, window.length].filter((at) => at > 0)]
  if (window.length <= BYTE_BY_BYTE) cuts.push(Array.from(window, (_, i) => i + 1))
  for (const at of cuts) {
    const name = nameOf(window, side, at)
    if (name !== whole)
      throw new Error(`named ${whole} as a whole, ${name} in ${at.length} pieces, the first of ${at[0]} bytes`)
  }
}

function nameOf(window, side, cuts) {
  const detection = new Detection(plan)
  for (const at of cuts) {
    detection.look(side, window.subarray(0, at))
    if (detection.protocol !== undefined) return detection.protocol
  }
  detection.settle(side)
  return detection.protocol
}

function mayFollow(before, after) {
  if (before === 'need-more') return true
  if (before === 'sure') return after !== 'need-more' && after !== 'no-match'
  return isSame(before, after)
}

function isSame(one, other) {
  return one === other || (typeof one === 'object' && typeof other === 'object' && text(one) === text(other))
}

function text(verdict) {
  return typeof verdict === 'string' ? verdict : JSON.stringify(verdict)
}

function seedsOf(side) {
  const samples = builtInSniffers.flatMap((sniffer) => (sniffer.samples[side] ?? []).map(toBytes))
  const folder = new URL('../test/fixtures/captures/', import.meta.url)
  const rows = readdirSync(folder).flatMap((name) =>
    readFileSync(new URL(name, folder), 'utf8').split('\n').filter(Boolean).map(JSON.parse),
  )
  const captured = rows.flatMap(({ segments }) => segments.filter(({ from }) => from === side).slice(0, 1))
  if (side === 'client') samples.push(...LONG_LINES.map(toBytes))
  return [...samples, ...captured.map(({ data }) => new Uint8Array(Buffer.from(data, 'base64').subarray(0, 512)))]
}

function toBytes(sample) {
  return typeof sample === 'string' ? Uint8Array.from(Buffer.from(sample, 'latin1')) : Uint8Array.from(sample)
}

function readArguments() {
  try {
    const option = { type: 'string' }
    const { values } = parseArgs({ options: { seconds: option, windows: option, seed: option } })
    const number = (name, otherwise) => (values[name] === undefined ? otherwise : Number(values[name]))
    const read = {
      windows: number('windows', Infinity),
      seconds: number('seconds', values.windows === undefined ? 60 : Infinity),
      seed: number('seed', Date.now() % 2 ** 31),
    }
    if (Object.values(read).every((value) => value >= 0)) return read
  } catch (error) {
    console.error(error.message)
  }
  console.error(USAGE)
  process.exit(2)
}
