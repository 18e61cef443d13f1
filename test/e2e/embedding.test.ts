import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runProgram } from '../support/run-program.js'

const BUILT = new URL('../../dist/index.js', import.meta.url)

/** What every child process begins with: a server, the library as it is shipped, and one exchange through a proxy. */
const PRELUDE = `
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import { createSluice } from ${JSON.stringify(BUILT.href)}

// Standard output is there from its first use on; Node lists what it has closed for a turn or two more.
process.stdout.write('')
process.stderr.write('')
async function resources() {
  for (let i = 0; i < 5; i++) await new Promise((resolve) => setImmediate(resolve))
  return process.getActiveResourcesInfo().sort()
}
const before = await resources()

async function startServer() {
  const server = createServer((socket) => socket.on('error', () => {}).pipe(socket)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return server
}
const config = (server) => ({ listeners: [{ name: 'in', address: '127.0.0.1:0', destination: '127.0.0.1:' + server.address().port }] })

async function open(sluice) {
  const client = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
  const heard = once(client, 'data')
  client.write('hello')
  await heard
  return client
}
const closed = (emitter) => new Promise((resolve) => emitter.once('close', resolve))

// Fires only where something keeps the process alive for another second.
function expectToEndByItself() {
  setTimeout(() => {
    console.log('still alive: ' + process.getActiveResourcesInfo().join(' '))
    process.exitCode = 1
  }, 1_000).unref()
}
`

async function runChild(program: string): Promise<unknown> {
  if (!existsSync(fileURLToPath(BUILT))) throw new Error('dist is not there: npm run build (npm test does it)')
  const { code, stdout, stderr } = await runProgram(process.execPath, [
    '--input-type=module',
    '--eval',
    PRELUDE + program,
  ])
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return JSON.parse(stdout)
}

interface Resources {
  readonly before: string[]
  readonly after: string[]
}

describe('a process that used a proxy', () => {
  test('ends by itself after stop(), and holds what it held before', async () => {
    const { before, after } = (await runChild(`
      const server = await startServer()
      const sluice = await createSluice(config(server)).start()
      const summary = sluice.nextClose('in')
      const client = await open(sluice)
      client.end()
      await summary
      await sluice.stop()
      if (!client.closed) await closed(client)
      await closed(server.close())
      console.log(JSON.stringify({ before, after: await resources() }))
      expectToEndByItself()
    `)) as Resources
    expect(after).toEqual(before)
  })

  test('ends by itself also where connections were open, and one was being dialled, when it stopped', async () => {
    const { before, after, reasons } = (await runChild(`
      const server = await startServer()
      const sluice = await createSluice(config(server)).start()
      const reasons = []
      sluice.on('closed', ({ reason }) => reasons.push(reason))
      const clients = await Promise.all(Array.from({ length: 20 }, () => open(sluice)))
      const late = connect(sluice.address('in').port, '127.0.0.1').on('error', () => {})
      await once(late, 'connect')
      const gone = [...clients, late].map(closed)
      await sluice.stop()
      await Promise.all(gone)
      await closed(server.close())
      console.log(JSON.stringify({ before, after: await resources(), reasons }))
      expectToEndByItself()
    `)) as Resources & { reasons: string[] }
    expect(after).toEqual(before)
    expect(reasons.slice(0, 20)).toEqual(Array(20).fill('stopped'))
  })

  test('is kept alive by a running proxy, and ends by itself after a drain', async () => {
    const { before, after, heard } = (await runChild(`
      const server = await startServer()
      const sluice = await createSluice(config(server)).start()
      const client = await open(sluice)
      const drained = sluice.stop({ grace: 10_000 })
      const heardWhileDraining = once(client, 'data')
      client.write('while draining')
      const heard = String(await heardWhileDraining)
      const gone = closed(client)
      client.end()
      await Promise.all([drained, gone])
      await closed(server.close())
      console.log(JSON.stringify({ before, after: await resources(), heard }))
      expectToEndByItself()
    `)) as Resources & { heard: string }
    expect(heard).toBe('while draining')
    expect(after).toEqual(before)
  })

  test('ends by itself after a start that failed, with nothing bound', async () => {
    const { before, after, code } = (await runChild(`
      const server = await startServer()
      const taken = '127.0.0.1:' + server.address().port
      const failed = createSluice({ listeners: [
        { name: 'free', address: '127.0.0.1:0', destination: '127.0.0.1:9' },
        { name: 'taken', address: taken, destination: '127.0.0.1:9' },
      ] })
      const { code } = await failed.start().catch((error) => error)
      await closed(server.close())
      console.log(JSON.stringify({ before, after: await resources(), code }))
      expectToEndByItself()
    `)) as Resources & { code: string }
    expect(code).toBe('SLUICE_ADDRESS_IN_USE')
    expect(after).toEqual(before)
  })

  test('ends by itself where the proxy was made and never started, and prints nothing', async () => {
    const result = await runChild(`
      createSluice({ nonsense: true })
      createSluice('/no/such/file.yaml')
      console.log(JSON.stringify('made'))
      expectToEndByItself()
    `)
    expect(result).toBe('made')
  })

  test('may use it with await using', async () => {
    const { before, after } = (await runChild(`
      const server = await startServer()
      {
        const sluice = await createSluice(config(server)).start()
        const client = await open(sluice)
        const gone = closed(client)
        await sluice[Symbol.asyncDispose]()
        await gone
      }
      await closed(server.close())
      console.log(JSON.stringify({ before, after: await resources() }))
      expectToEndByItself()
    `)) as Resources
    expect(after).toEqual(before)
  })
})
