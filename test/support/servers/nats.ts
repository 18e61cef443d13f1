import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer } from '../start-server.js'
import type { TestServerProgram } from './test-server.js'

/** A NATS server, without storage. */
export function startNats(): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const port = await freePort()
    const program = startProgram('nats-server', ['-a', '127.0.0.1', '-p', String(port)])
    onStop(() => program.stop())
    await program.prints(/Server is ready/)
    return { port }
  })
}
