import { connect } from 'node:net'
import { onTestFinished } from 'vitest'
import { startProgram } from './run-program.js'

/** Listens with the shortest queue there is, then never turns its event loop again: accepts nothing. */
const PROGRAM = `
const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
  process.stdout.write('port ' + server.address().port + '\\n', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0))
})`

/** More than its queue holds: Linux completes backlog + 1 handshakes that nobody accepts, and drops what comes then. */
const FILLERS = 8

/** A port of this machine on which connecting neither succeeds nor fails. Gives the port. */
export async function startUnansweringServer(): Promise<number> {
  const program = startProgram(process.execPath, ['--input-type=commonjs', '--eval', PROGRAM])
  onTestFinished(async () => void (await program.stop('SIGKILL')))
  const [, port] = await program.prints(/port (\d+)/)
  const fillers = Array.from({ length: FILLERS }, () => connect(Number(port), '127.0.0.1').on('error', () => {}))
  onTestFinished(() => {
    for (const filler of fillers) filler.destroy()
  })
  await Promise.all(fillers.slice(0, 2).map((filler) => new Promise((resolve) => filler.once('connect', resolve))))
  return Number(port)
}
