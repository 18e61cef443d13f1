import { expect, test } from 'vitest'
import { DestinationMemory } from '../../src/core/destination-memory.js'
import type { DetectionResult } from '../../src/core/detection-result.js'
import { FakeClock } from '../../src/testing/fake-clock.js'

const bytes = { client: 0, server: 6 }
const nats: DetectionResult = { outcome: 'detected', protocol: 'nats', decidedBy: 'server', bytes, facts: {} }
const unknown: DetectionResult = { outcome: 'unknown', bytes, facts: {} }

test('counts what the connections of each destination were, by listener and port', () => {
  const memory = new DestinationMemory(new FakeClock(), 10, 1_000)
  memory.note('out', '10.0.0.2:4222', 4222, nats)
  memory.note('out', '10.0.0.1:80', 80, unknown)
  memory.note('out', '10.0.0.2:4222', 4222, nats)
  memory.note('in', '10.0.0.2:4222', 4222, nats)
  expect(memory.list()).toEqual([
    { listener: 'in', destination: '10.0.0.2:4222', port: 4222, protocols: { nats: 1 }, idleMs: 0 },
    { listener: 'out', destination: '10.0.0.1:80', port: 80, protocols: { unknown: 1 }, idleMs: 0 },
    { listener: 'out', destination: '10.0.0.2:4222', port: 4222, protocols: { nats: 2 }, idleMs: 0 },
  ])
})

test('learns nothing from what a port named, from silence, nor from what ended too early', () => {
  const memory = new DestinationMemory(new FakeClock(), 10, 1_000)
  memory.note('in', 'a:1', 1, { ...nats, decidedBy: 'port' })
  memory.note('in', 'a:1', 1, { outcome: 'ended', bytes: { client: 0, server: 0 }, facts: {} })
  memory.note('in', 'a:1', 1, { outcome: 'ended', bytes: { client: 2, server: 0 }, facts: {} })
  expect(memory.list()).toEqual([])
})

test('forgets a destination that has had no connection for the expiry', () => {
  const clock = new FakeClock()
  const memory = new DestinationMemory(clock, 10, 1_000)
  memory.note('in', 'a:1', 1, nats)
  clock.advance(600)
  memory.note('in', 'b:1', 1, nats)
  clock.advance(400)
  expect(memory.list().map(({ destination, idleMs }) => [destination, idleMs])).toEqual([['b:1', 400]])
})

test('holds no more than its bound: the one seen least lately makes room', () => {
  const clock = new FakeClock()
  const memory = new DestinationMemory(clock, 3, 1_000)
  for (const destination of ['a:1', 'b:1', 'c:1', 'a:1', 'd:1']) {
    clock.advance(1)
    memory.note('in', destination, 1, nats)
  }
  expect(memory.list().map(({ destination }) => destination)).toEqual(['a:1', 'c:1', 'd:1'])
})

test('remembers nothing where the bound is 0', () => {
  const memory = new DestinationMemory(new FakeClock(), 0, 1_000)
  memory.note('in', 'a:1', 1, nats)
  expect(memory.list()).toEqual([])
})
