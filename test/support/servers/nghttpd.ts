import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'

export interface NghttpdServer extends Stoppable {
  /** Speaks HTTP/2, to clients that know so beforehand. */
  readonly port: number
}

export const INDEX_BYTES = 100_000
export const STYLE_BYTES = 5_000

/** nghttpd with two files: `/index.html`, with which it pushes `/style.css` to clients that take pushes. */
export function startNghttpd(): Promise<NghttpdServer> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('nghttpd')
    onStop(() => folder.remove())
    await writeFile(join(folder.path, 'index.html'), Buffer.alloc(INDEX_BYTES, 'index '))
    await writeFile(join(folder.path, 'style.css'), Buffer.alloc(STYLE_BYTES, 'style '))
    const port = await freePort()
    const push = '--push=/index.html=/style.css'
    const program = startProgram('nghttpd', ['--no-tls', '-a', '127.0.0.1', '-d', folder.path, push, String(port)])
    onStop(() => program.stop())
    await accepts(port)
    return { port }
  })
}
