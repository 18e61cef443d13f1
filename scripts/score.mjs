// npm run score -- FLOWS.jsonl [--port] [--misses N]: how many labelled flows the built-in sniffers name rightly.
// A line: {"id", "label", "strict"?, "dport"?, "segments": [{"d": "c" | "s", "b64"}]}; rows with "strict": false are left out.
import { createReadStream } from 'node:fs'
import { createInterface } from 'node:readline'
import { parseArgs } from 'node:util'
import { SnifferPlan } from '../dist/core/detection.js'
import { sniffRecording } from '../dist/core/sniff-recording.js'
import { protocolsByPort } from '../dist/filters/port-override/port-override.js'
import { builtInSniffers } from '../dist/plugins/built-in-sniffers.js'

const USAGE = 'usage: npm run score -- FLOWS.jsonl [--port] [--misses N]   (--port: let dport name the protocol)'
/** The default of limits.peekWindow. */
const WINDOW_BYTES = 16 * 1024
const OPAQUE = 'opaque'

/** Other names of what our sniffers call by the second one. */
const ALIASES = new Map([
  ...['http', 'http1', 'http11', 'http/1.0', 'http/1.1'].map((alias) => [alias, 'http/1']),
  ...['http2', 'h2', 'h2c'].map((alias) => [alias, 'http/2']),
  ...['ssl', 'https'].map((alias) => [alias, 'tls']),
  ['mongo', 'mongodb'],
  ['mariadb', 'mysql'],
  ['ws', 'websocket'],
  ['rmi', 'java-rmi'],
  ['dns-tcp', 'dns'],
  ['amqp091', 'amqp'],
  ['cifs', 'smb'],
  ['rfb', 'vnc'],
  ['socks5', 'socks'],
  ['socks4', 'socks'],
  ['proxy', 'proxy-protocol'],
])
/** What begins as another protocol, and is carried as that. */
const FAMILIES = new Map([
  ['websocket', 'http/1'],
  ['grpc', 'http/2'],
])
const isKnown = (label) => !/^(unknown|opaque|other:.*)$/.test(label)

/** RFC 4648 section 4. */
const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/

const { values, positionals } = readArguments()
const plan = new SnifferPlan(builtInSniffers, ({ protocol }, error) => console.error(`${protocol} threw:`, error))
const ports = values.port ? protocolsByPort() : new Map()
const rows = await readRows(positionals[0])
report('what the client said before the server answered', rows, clientOnly)
report('both sides', rows, ({ segments }) => segments)

function readArguments() {
  try {
    const options = { port: { type: 'boolean' }, misses: { type: 'string', default: '0' } }
    const parsed = parseArgs({ options, allowPositionals: true })
    if (parsed.positionals.length === 1 && /^\d+$/.test(parsed.values.misses)) return parsed
  } catch (error) {
    console.error(error.message)
  }
  console.error(USAGE)
  process.exit(2)
}

async function readRows(file) {
  const rows = []
  let number = 0
  try {
    for await (const line of createInterface({ input: createReadStream(file), crlfDelay: Infinity })) {
      number++
      if (line.trim() !== '') rows.push(readRow(JSON.parse(line)))
    }
  } catch (error) {
    console.error(`${file}${number > 0 ? `:${number}` : ''}: ${error.message}`)
    process.exit(2)
  }
  const strictly = rows.filter(({ strict }) => strict !== false)
  if (strictly.length > 0) return strictly
  console.error(`${file}: no flow to score`)
  process.exit(2)
}

function readRow(row) {
  const { id, label, strict, dport, segments } = row ?? {}
  if (typeof label !== 'string' || !Array.isArray(segments)) throw new Error('a flow needs "label" and "segments"')
  const read = segments.map(({ d, b64 }) => {
    if ((d !== 'c' && d !== 's') || typeof b64 !== 'string') throw new Error('a segment needs "d" (c or s) and "b64"')
    if (b64.length % 4 !== 0 || !BASE64.test(b64)) throw new Error('"b64" is no base64 with its padding')
    return { from: d === 'c' ? 'client' : 'server', data: Buffer.from(b64, 'base64') }
  })
  // What was labelled as another protocol may be opaque, or be named so.
  const other = /^other:(.+)$/.exec(label)?.[1]
  const known = isKnown(label) ? canonical(label) : OPAQUE
  const flow = { id, label: known, written: printable(label), strict, dport, segments: read }
  return other ? { ...flow, other: canonical(other) } : flow
}

/** Ids and labels are somebody's: they go to a terminal. */
function printable(text) {
  return String(text).replace(/[^\x20-\x7e]/g, '?')
}

function canonical(name) {
  const lower = printable(name).toLowerCase()
  return ALIASES.get(lower) ?? lower
}

/** The client's first flight. One that waited for a greeting has said nothing yet. */
function clientOnly({ segments }) {
  const answer = segments.findIndex(({ from }) => from === 'server')
  return answer === -1 ? segments : segments.slice(0, answer)
}

function report(title, rows, segmentsOf) {
  const scored = rows.map((row) => {
    const got = nameOf(row, segmentsOf(row))
    return { row, got: got === row.other ? OPAQUE : got }
  })
  const right = scored.filter(({ row, got }) => got === row.label)
  const rightFamily = scored.filter(({ row, got }) => got === family(row.label))
  const wrong = scored.filter(({ row, got }) => got !== row.label && got !== family(row.label))
  const named = wrong.filter(({ got }) => got !== OPAQUE)
  console.log(`\n${title}: ${counted(rows.length, 'flow')}`)
  console.log(`  right                                    ${share(right.length, rows.length)}`)
  console.log(
    `  right, websocket as http/1, grpc as http/2  ${share(rightFamily.length + countExactFamilies(right), rows.length)}`,
  )
  console.log(`  named wrongly                            ${named.length}`)
  console.log(`  left opaque, though it has a name        ${wrong.length - named.length}`)
  printConfusions(scored)
  for (const { row, got } of wrong.slice(0, Number(values.misses))) {
    console.log(`  miss  ${printable(row.id)}: ${row.written}, got ${got}`)
  }
}

function nameOf({ dport }, segments) {
  const result = sniffRecording(plan, segments, WINDOW_BYTES)
  const name = ports.get(dport) ?? (result.outcome === 'detected' ? result.protocol : OPAQUE)
  return canonical(name)
}

function family(label) {
  return FAMILIES.get(label) ?? label
}

/** Those named more exactly than their family. */
function countExactFamilies(right) {
  return right.filter(({ row }) => FAMILIES.has(row.label)).length
}

function printConfusions(scored) {
  const counts = new Map()
  for (const { row, got } of scored) {
    if (got === row.label) continue
    const kind = `${row.written} -> ${got}`
    counts.set(kind, (counts.get(kind) ?? 0) + 1)
  }
  const kinds = [...counts].sort(([, a], [, b]) => b - a)
  if (kinds.length > 0) console.log('  confusions, truth -> answer')
  for (const [kind, count] of kinds) console.log(`  ${String(count).padStart(5)}  ${kind}`)
}

function share(part, whole) {
  return whole === 0 ? '-' : `${((100 * part) / whole).toFixed(1)} %  (${part} of ${whole})`
}

function counted(count, noun) {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
