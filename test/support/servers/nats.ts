import { type ServerPlace, thisMachine } from '../server-place.js'
import { startServer } from '../start-server.js'
import type { TestServerProgram } from './test-server.js'

/** A NATS server, without storage. */
export function startNats(place: ServerPlace = thisMachine): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const port = await place.freePort()
    const program = place.start('nats-server', ['-a', place.bind, '-p', String(port)])
    onStop(() => program.stop())
    await program.prints(/Server is ready/)
    return { port }
  })
}
