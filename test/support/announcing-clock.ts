import { FakeClock } from '../../src/testing/fake-clock.js'
import { until } from './until.js'

/** A clock that stands still until a test moves it, and that a test can wait on to be asked. */
export class AnnouncingClock extends FakeClock {
  /** Settles when a timer of this delay waits. */
  async isAskedFor(delayMs: number): Promise<void> {
    await until(() => this.pending.includes(delayMs))
  }

  /** Settles when no timer of this delay waits any more: what it bounded has happened. */
  async isNoLongerAskedFor(delayMs: number): Promise<void> {
    await until(() => !this.pending.includes(delayMs))
  }
}
