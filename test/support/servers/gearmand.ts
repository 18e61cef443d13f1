import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** A Gearman job server that keeps its queue in memory. */
export function startGearmand(): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('gearmand')
    onStop(() => folder.remove())
    const port = await freePort()
    const program = startProgram('gearmand', [
      ...['--listen', '127.0.0.1', '--port', String(port), '--pid-file', `${folder.path}/pid`],
      ...['--log-file', 'stderr', '--verbose', 'INFO'],
    ])
    onStop(() => program.stop())
    await program.prints(/Listening on 127\.0\.0\.1/)
    return { port }
  })
}
