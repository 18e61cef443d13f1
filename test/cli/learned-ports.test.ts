import { expect, test } from 'vitest'
import { learnPorts } from '../../src/cli/learned-ports.js'

const remembered = (destination: string, port: number, protocols: Record<string, number>, listener = 'out') => ({
  listener,
  destination,
  port,
  protocols,
  idleMs: 0,
})

test('learns a port where all its destinations were the same', () => {
  const learned = learnPorts([remembered('a:1', 1, { nats: 6 }), remembered('b:1', 1, { nats: 5 })], 10)
  expect(learned).toEqual([
    {
      listener: 'out',
      ports: [{ port: 1, protocol: 'nats', connections: 11, destinations: ['a:1', 'b:1'] }],
      leftOut: [],
    },
  ])
})

test('leaves out a port whose destinations differ, or whose connections were too few', () => {
  const [learned] = learnPorts(
    [remembered('a:1', 1, { nats: 60 }), remembered('b:1', 1, { mysql: 50 }), remembered('c:2', 2, { tls: 9 })],
    10,
  )
  expect(learned).toMatchObject({
    ports: [],
    leftOut: [
      { port: 1, reason: 'nats 60, mysql 50' },
      { port: 2, reason: 'tls 9, fewer than 10' },
    ],
  })
})

test('calls opaque what no sniffer ever knew, and keeps listeners apart', () => {
  const learned = learnPorts([remembered('a:1', 1, { unknown: 10 }), remembered('a:1', 1, { tls: 10 }, 'in')], 10)
  expect(learned.map(({ listener, ports }) => [listener, ports[0]!.protocol])).toEqual([
    ['out', 'opaque'],
    ['in', 'tls'],
  ])
})
