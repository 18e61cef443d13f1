// Records what a real client and a real server say to each other, as a fixture of test/fixtures/captures/.
//
//   node scripts/capture.mjs --protocol mysql --id mariadb-cli --program "MariaDB 10.11.6" --to 127.0.0.1:3306 \
//     [--shown "mariadb -e 'select 1'"] [--facts '{"version":"..."}'] [--port N] -- mariadb -h {host} -P {port} -e 'select 1'
//
// Forwards connections from a port of its own to the server, runs the command with {host} and {port} replaced, and when it has ended
// appends a row for the first connection that said anything (--all: for each) to test/fixtures/captures/PROTOCOL.jsonl. Without a
// command it forwards until one connection has closed. A row of the same id is replaced. Where there is a client and no server,
// --silent-server stands in for --to: connections are accepted and get no answer. --bytes: keep no more of each side, where a session
// goes on for longer than what names it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { parseArgs } from 'node:util'

const USAGE =
  'usage: node scripts/capture.mjs --protocol NAME --id ID --program "PROGRAM VERSION" (--to HOST:PORT | --silent-server) [--shown COMMAND] [--facts JSON] [--port N] [--bytes N] [--all] [-- COMMAND ...]'
/** Of each side: the default of limits.peekWindow. Detection looks at no more. */
const MAX_KEPT_BYTES = 16 * 1024
/** A client that has not ended by then is killed. */
const COMMAND_TIMEOUT_MS = 30_000

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: Object.fromEntries([
    ...['protocol', 'id', 'program', 'to', 'shown', 'facts', 'port', 'bytes'].map((name) => [name, { type: 'string' }]),
    ...['all', 'silent-server'].map((name) => [name, { type: 'boolean' }]),
  ]),
})
for (const name of ['protocol', 'id', 'program']) if (values[name] === undefined) fail(USAGE)
const isSilent = values['silent-server'] ?? false
if (isSilent === (values.to !== undefined)) fail(USAGE)
const [, host, toPort] = isSilent ? [] : (/^(?:(.+):)?(\d+)$/.exec(values.to) ?? fail(USAGE))

const connections = []
const server = createServer({ allowHalfOpen: true }, (client) => {
  const connection = { segments: [], kept: { client: 0, server: 0 }, hasClosed: undefined }
  connections.push(connection)
  if (isSilent) {
    client.on('data', (data) => keep(connection, 'client', data))
    client.on('end', () => client.end())
    client.on('error', () => client.destroy())
    connection.hasClosed = once(client, 'close')
    return
  }
  const upstream = connect({ host: host ?? '127.0.0.1', port: Number(toPort), allowHalfOpen: true })
  connection.hasClosed = Promise.all([relay(client, upstream, 'client'), relay(upstream, client, 'server')])

  async function relay(from, to, side) {
    from.on('data', (data) => {
      keep(connection, side, data)
      to.write(data)
    })
    from.on('end', () => to.end())
    from.on('error', () => to.destroy())
    await once(from, 'close').catch(() => {})
  }
})
server.listen(Number(values.port ?? 0), '127.0.0.1')
await once(server, 'listening')
const { port } = server.address()

if (positionals.length > 0) await runCommand()
else {
  console.error(`forwarding 127.0.0.1:${port} to ${values.to ?? 'nobody'} until a connection closes`)
  await once(server, 'connection')
  await connections[0].hasClosed
}
server.close()
const spoken = connections.filter(({ segments }) => segments.length > 0)
if (spoken.length === 0) fail('no connection said anything')
writeRows(values.all ? spoken : spoken.slice(0, 1))
process.exit(0)

function keep(connection, from, data) {
  const room = Math.min(MAX_KEPT_BYTES, Number(values.bytes ?? MAX_KEPT_BYTES)) - connection.kept[from]
  if (room <= 0) return
  const kept = data.subarray(0, room)
  connection.kept[from] += kept.length
  connection.segments.push({ from, data: kept.toString('base64') })
}

async function runCommand() {
  const [program, ...args] = positionals.map((word) =>
    word.replaceAll('{host}', '127.0.0.1').replaceAll('{port}', port),
  )
  const child = spawn(program, args, { stdio: ['pipe', 'inherit', 'inherit'], timeout: COMMAND_TIMEOUT_MS })
  child.stdin.end()
  const [code, signal] = await once(child, 'close')
  console.error(`${program} ended with ${signal ?? code}`)
}

function writeRows(recorded) {
  const file = new URL(`../test/fixtures/captures/${values.protocol.replaceAll('/', '')}.jsonl`, import.meta.url)
  const rows = existsSync(file) ? readFileSync(file, 'utf8').split('\n').filter(Boolean).map(JSON.parse) : []
  recorded.forEach(({ segments }, index) => {
    const id = recorded.length > 1 ? `${values.id}-${index + 1}` : values.id
    const command =
      values.shown ??
      positionals
        .join(' ')
        .replaceAll('{host}', '127.0.0.1')
        .replaceAll('{port}', toPort ?? port)
    const row = {
      id,
      protocol: values.protocol,
      ...(values.facts && { facts: JSON.parse(values.facts) }),
      source: `captured from ${values.program} by ${command}${isSilent ? ', without an answer' : ''}`,
      segments,
    }
    const at = rows.findIndex((one) => one.id === id)
    if (at < 0) rows.push(row)
    else rows[at] = row
    console.error(`${id}: ${segments.length} segments`)
  })
  writeFileSync(file, rows.map((row) => JSON.stringify(row) + '\n').join(''))
}

function fail(message) {
  console.error(message)
  process.exit(2)
}
