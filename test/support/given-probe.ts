import type { HostPort } from '../../src/core/config/config.js'
import type { Probe } from '../../src/health/probe.js'

/** Checks that are under way until the test says how they come out. */
export class GivenProbe implements Probe {
  readonly running = new Map<number, (problem?: string) => void>()

  begin({ port }: HostPort, done: (problem?: string) => void): () => void {
    this.running.set(port, (problem) => {
      this.running.delete(port)
      done(problem)
    })
    return () => void this.running.delete(port)
  }
}
