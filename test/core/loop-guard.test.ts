import { networkInterfaces } from 'node:os'
import { describe, expect, test } from 'vitest'
import { LoopGuard } from '../../src/core/loop-guard.js'
import type { Wire } from '../../src/core/wire.js'

const SERVER = { host: '192.0.2.80', port: 80 }
const CLIENT = { host: '192.0.2.1', port: 50_000 }

function upstream(bytesRead = 0): Wire {
  return { localHost: CLIENT.host, localPort: CLIENT.port, bytesRead } as Wire
}

describe('isOwn', () => {
  test('knows a wire of ours by both its ends', () => {
    const guard = new LoopGuard()
    const key = guard.add(upstream(), SERVER)!
    expect(guard.isOwn(CLIENT, () => SERVER)).toBe(true)
    expect(guard.isOwn({ ...CLIENT, port: 50_001 }, () => SERVER)).toBe(false)
    expect(guard.isOwn(CLIENT, () => ({ ...SERVER, port: 81 }))).toBe(false)
    expect(guard.isOwn(CLIENT, () => undefined)).toBe(false)
    guard.remove(key)
    expect(guard.isOwn(CLIENT, () => SERVER)).toBe(false)
  })

  test('does not take a client for a wire that has heard its server', () => {
    const guard = new LoopGuard()
    guard.add(upstream(1), SERVER)
    expect(guard.isOwn(CLIENT, () => SERVER)).toBe(false)
  })
})

describe('leadsToUs', () => {
  const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  const ipv6 = own.find(({ family, internal }) => family === 'IPv6' && !internal)?.address

  test('is a listener by its own address', () => {
    const guard = new LoopGuard()
    guard.listensOn({ host: '127.0.0.1', port: 4140 })
    expect(guard.leadsToUs({ host: '127.0.0.1', port: 4140 })).toBe(true)
    for (const other of [{ host: '127.0.0.2', port: 4140 }, { host: '127.0.0.1', port: 4141 }, SERVER]) {
      expect([other, guard.leadsToUs(other)]).toEqual([other, false])
    }
  })

  test('is one on all interfaces by any address of this machine', () => {
    const guard = new LoopGuard()
    guard.listensOn({ host: '0.0.0.0', port: 4143 })
    guard.listensOn({ host: '::', port: 4144 })
    for (const { address, family } of own) {
      expect([address, guard.leadsToUs({ host: address, port: 4143 })]).toEqual([address, family === 'IPv4'])
      expect([address, guard.leadsToUs({ host: address, port: 4144 })]).toEqual([address, true])
    }
    expect(guard.leadsToUs({ host: '127.1.2.3', port: 4143 })).toBe(true)
    expect(guard.leadsToUs({ host: SERVER.host, port: 4143 })).toBe(false)
    if (ipv6 !== undefined) expect(guard.leadsToUs({ host: `${ipv6}%eth0`, port: 4144 })).toBe(true)
  })
})
