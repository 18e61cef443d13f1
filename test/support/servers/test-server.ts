import type { Stoppable } from '../start-server.js'

/** A real server, started for a test on a free port, with its data in a folder of its own. */
export interface TestServerProgram extends Stoppable {
  readonly port: number
}
