import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer, type Stoppable } from '../start-server.js'

export interface NghttpxServer extends Stoppable {
  /** Speaks HTTP/1.1, HTTP/2 to who knows beforehand, and HTTP/2 after an upgrade (h2c). */
  readonly port: number
}

/** nghttpx before a web server: nearly nobody else still agrees to h2c. */
export function startNghttpx(originPort: number): Promise<NghttpxServer> {
  return startServer(async (onStop) => {
    const port = await freePort()
    const program = startProgram('nghttpx', [
      // Debian's own file has it listen on port 3000, too.
      '--conf=/dev/null',
      `--frontend=127.0.0.1,${port};no-tls`,
      `--backend=127.0.0.1,${originPort}`,
      '--workers=1',
      '--errorlog-file=/dev/stderr',
      '--accesslog-file=/dev/null',
    ])
    onStop(() => program.stop())
    await accepts(port)
    return { port }
  })
}
