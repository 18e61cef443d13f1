import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer } from '../start-server.js'
import type { TestServerProgram } from './test-server.js'

/** It refuses whoever came so often without logging in; tests and measurements only hear its greeting. */
const MANY = '1000000'

/** TigerVNC's X server, with an empty screen and no password. */
export function startXvnc(): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const port = await freePort()
    const program = startProgram('Xtigervnc', [
      // It takes a display that is free, and says which.
      ...['-displayfd', '1', '-rfbport', String(port), '-interface', '127.0.0.1', '-nolisten', 'tcp'],
      ...['-SecurityTypes', 'None', '-BlacklistThreshold', MANY, '-geometry', '64x64', '-depth', '16'],
    ])
    onStop(() => program.stop())
    await program.prints(/created VNC server for screen 0/)
    return { port }
  })
}
