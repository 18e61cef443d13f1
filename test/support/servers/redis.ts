import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** Redis that keeps nothing. */
export function startRedis(): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('redis')
    onStop(() => folder.remove())
    const port = await freePort()
    const program = startProgram('redis-server', [
      ...['--port', String(port), '--bind', '127.0.0.1', '--dir', folder.path, '--save', '', '--appendonly', 'no'],
    ])
    onStop(() => program.stop())
    await program.prints(/Ready to accept connections/)
    return { port }
  })
}
