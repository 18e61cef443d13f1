import { expect } from 'vitest'
import type { CloseSummary } from '../../src/core/close-summary.js'
import type { Sluice } from '../../src/sluice.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { startListener } from './start-sluice.js'

/** The default chain before one destination, in a world where time stands still: what needed a timer would hang. */
export interface OneWayOut {
  readonly sluice: Sluice
  /** Where clients connect. */
  readonly port: number
  /** Settles with the summary of the next connection that closes. Asked for before the client is run. */
  readonly nextClose: () => Promise<CloseSummary>
  /** Nothing is left of the connections: none is listed, no gauge stands, no timer waits. */
  readonly expectNothingLeft: () => void
}

/** Starts it before a server on this machine; stopped with the test. */
export async function oneWayOut(destinationPort: number): Promise<OneWayOut> {
  const clock = new FakeClock()
  const sluice = await startListener({ destination: `127.0.0.1:${destinationPort}` }, { clock })
  return {
    sluice,
    port: sluice.address('in').port,
    nextClose: () => sluice.nextClose('in'),
    expectNothingLeft() {
      expect(sluice.connections()).toEqual([])
      expect(sluice.metric('tcp_open_connections')).toBe(0)
      expect(clock.pending).toEqual([])
    },
  }
}
