import { expect, test } from 'vitest'
import type { CloseSummary } from '../../src/core/close-summary.js'
import type { Observer, Watch } from '../../src/core/observer.js'
import { ObserverSet } from '../../src/core/observer-set.js'
import type { Side } from '../../src/core/side.js'

class Skipping implements Observer {
  readonly events: string[] = []
  readonly #client: number
  readonly #server: number

  constructor(client: number, server: number) {
    this.#client = client
    this.#server = server
  }

  onBytes(side: Side, chunk: Uint8Array, watch: Watch): void {
    this.events.push(`${side} ${chunk.length}`)
    if (chunk.length > 0) watch.skip(side, side === 'client' ? this.#client : this.#server)
  }
  onSkipCut(side: Side, missing: number): void {
    this.events.push(`${side} lacks ${missing}`)
  }
  onEnd(side: Side): void {
    this.events.push(`${side} ends`)
  }
  onClose(): void {
    this.events.push('close')
  }
}

const summary = {} as CloseSummary
const never = (error: unknown): never => {
  throw error
}

test('tells before the end of a side how much of what was passed over never came', () => {
  const set = new ObserverSet(never)
  const observer = new Skipping(10, Number.MAX_SAFE_INTEGER)
  set.add(observer)
  set.onBytes('client', new Uint8Array(1))
  set.onBytes('client', new Uint8Array(4))
  set.onEnd('client')
  set.onBytes('server', new Uint8Array(1))
  set.onBytes('server', new Uint8Array(100))
  set.onClose(summary)
  expect(observer.events).toEqual([
    'client 1',
    'client lacks 6',
    'client ends',
    'server 1',
    `server lacks ${Number.MAX_SAFE_INTEGER - 100}`,
    'close',
  ])
})

test('tells nothing where all of it came, or nobody looks any more', () => {
  const set = new ObserverSet(never)
  const observer = new Skipping(4, 4)
  const watch = set.add(observer)
  set.onBytes('client', new Uint8Array(1))
  set.onBytes('client', new Uint8Array(4))
  set.onBytes('server', new Uint8Array(1))
  watch.done()
  set.onEnd('client')
  set.onClose(summary)
  expect(observer.events).toEqual(['client 1', 'client 0', 'server 1', 'close'])
})

test('closes an observer also where being told of it threw', () => {
  const dropped: unknown[] = []
  const set = new ObserverSet((error) => void dropped.push(error))
  const bug = new Error('a bug')
  class Throwing extends Skipping {
    override onSkipCut(): void {
      throw bug
    }
  }
  const observer = new Throwing(9, 9)
  set.add(observer)
  set.onBytes('client', new Uint8Array(1))
  set.onClose(summary)
  expect(dropped).toEqual([bug])
  expect(observer.events).toEqual(['client 1', 'close'])
})
