import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** Redis that keeps nothing. */
export async function startRedis(): Promise<TestServerProgram> {
  const folder = await temporaryFolder('redis')
  const port = await freePort()
  const program = startProgram('redis-server', [
    ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--save', '', '--appendonly', 'no'],
  ])
  await program.prints(/Ready to accept connections/)
  return {
    port,
    async stop() {
      await program.stop()
      await folder.remove()
    },
  }
}
