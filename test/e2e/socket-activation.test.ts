import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { freePort } from '../support/free-port.js'
import { needPrograms } from '../support/need-programs.js'
import { type RunningProgram, startProgram } from '../support/run-program.js'
import { COMMAND } from '../support/sidecar.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener } from '../support/start-sluice.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const programs = needPrograms('systemd-socket-activate (systemd)')

async function configuration(text: string): Promise<string> {
  const folder = await temporaryFolder('activation')
  onTestFinished(() => folder.remove())
  const path = join(folder.path, 'sluice.yaml')
  await writeFile(path, text)
  return path
}

/** systemd's own stand-in for a socket unit: starts the program with the first connection, which it leaves to it. */
function activate(sockets: readonly string[], config: string): RunningProgram {
  const run = [process.execPath, COMMAND, 'run', '-c', config, '--log-format', 'json']
  const program = startProgram('systemd-socket-activate', [...sockets, ...run])
  onTestFinished(async () => void (await program.stop('SIGKILL')))
  return program
}

describe.skipIf(programs.areMissing)('socket activation' + programs.why, () => {
  test('takes sockets by name and by number, the connection that woke it too', async () => {
    const server = await serve((peer) => void peer.send('220 mail.example.com ESMTP\r\n'))
    const [first, second] = [await freePort(), await freePort()]
    const config = await configuration(`
accessLog: true
listeners:
  - { name: one, address: "fd:mail", destination: "127.0.0.1:${server.port}" }
  - { name: two, address: "fd:4", destination: "127.0.0.1:${server.port}" }
`)
    const sockets = [...['-l', `127.0.0.1:${first}`], ...['-l', `127.0.0.1:${second}`], '--fdname=mail:other']
    const program = activate(sockets, config)
    await program.prints(/Listening on .*\n.*Listening on /)
    for (const [port, name] of [
      [first, 'one'],
      [second, 'two'],
    ] as const) {
      const client = await connectTo(port)
      await client.hears('ESMTP')
      client.socket.end()
      ;(await server.accepted(name === 'one' ? 0 : 1)).socket.end()
      await program.prints(new RegExp(`"msg":"closed","listener":"${name}".*"protocol":"smtp"`))
    }
    expect(program.output).toMatch(new RegExp(`"listener":"one","addresses":\\["127.0.0.1:${first}"\\]`))
  })

  test('says which sockets there are where the configuration names another', async () => {
    const port = await freePort()
    const config = await configuration('listeners: [{ address: "fd:web", destination: "127.0.0.1:9" }]\n')
    const program = activate(['-l', `127.0.0.1:${port}`, '--fdname=mail'], config)
    await program.prints(/Listening on/)
    await connectTo(port)
    await program.prints(/no socket was passed in under the name "web"; there are fd:3 \("mail"\)/)
  })
})

test('without it, a listener on fd:3 does not start', async () => {
  await expect(startListener({ address: 'fd:3', destination: '127.0.0.1:9' })).rejects.toMatchObject({
    code: 'SLUICE_NO_INHERITED_SOCKET',
    message:
      'listener in: no listening socket was passed in as descriptor 3; LISTEN_FDS of the environment names none for this process',
  })
})
