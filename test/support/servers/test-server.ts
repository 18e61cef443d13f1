/** A real server, started for a test on a free port, with its data in a folder of its own. */
export interface TestServerProgram {
  readonly port: number
  /** Stops it and removes its folder. */
  stop(): Promise<void>
}
