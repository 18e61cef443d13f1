import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import type { TestServerProgram } from './test-server.js'

/** A NATS server, without storage. */
export async function startNats(): Promise<TestServerProgram> {
  const port = await freePort()
  const program = startProgram('nats-server', ['-a', '127.0.0.1', '-p', String(port)])
  await program.prints(/Server is ready/)
  return { port, stop: async () => void (await program.stop()) }
}
