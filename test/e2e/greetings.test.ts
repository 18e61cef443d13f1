import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { type NeededPrograms, needPrograms } from '../support/need-programs.js'
import { GREETING_SERVERS, type GreetingServer } from '../support/servers/greeting-servers.js'
import type { TestServerProgram } from '../support/servers/test-server.js'
import { connectTo, serve } from '../support/sockets.js'
import { startListener } from '../support/start-sluice.js'

function needed({ programs, needsRoot }: GreetingServer): NeededPrograms {
  const isRoot = process.getuid?.() === 0
  return needsRoot && !isRoot ? { areMissing: true, why: ' [skipped: needs root]' } : needPrograms(...programs)
}

const CHAINS = [
  { title: 'the default chain', filters: (): undefined => undefined },
  {
    title: 'a chain that needs the name',
    filters: (protocol: string, port: number, elsewhere: number) => [
      { detect: { onUnknown: 'deny' } },
      {
        'tcp-forward': {
          routes: [
            { name: protocol, match: { protocol }, destination: `127.0.0.1:${port}` },
            {
              name: 'web',
              match: { protocol: ['tls', 'http/1', 'http/2'] },
              destination: `127.0.0.1:${elsewhere}`,
            },
          ],
        },
      },
    ],
  },
] as const

describe.each(GREETING_SERVERS.map((one) => ({ ...one, needed: needed(one) })))('$title', (one) => {
  let server: TestServerProgram
  beforeAll(async () => {
    if (!one.needed.areMissing) server = await one.start()
  })
  afterAll(() => server?.stop())

  test.skipIf(one.needed.areMissing).each(CHAINS)(
    `is heard and named, time standing still, through $title${one.needed.why}`,
    async ({ filters }) => {
      const elsewhere = await serve(() => expect.unreachable('nothing here is web'))
      const clock = new FakeClock()
      const chain = filters(one.protocol, server.port, elsewhere.port)
      const sluice = await startListener(
        { destination: `127.0.0.1:${server.port}`, ...(chain && { filters: chain }) },
        { clock },
      )
      const closed = sluice.nextClose('in')
      const client = await connectTo(sluice.address('in').port)
      if (one.clientSays !== undefined) client.send(one.clientSays)
      await client.hearsBytes(1)
      expect(client.text).toMatch(one.serverSays)
      client.socket.destroy()
      const summary = await closed
      expect(summary).toMatchObject({
        outcome: 'detected',
        protocol: one.protocol,
        decidedBy: one.clientSays === undefined ? 'server' : 'client',
      })
      // A greeting comes from the listener's destination: then the choice stands, and no route is asked.
      expect(summary.route).toBe(chain && one.clientSays !== undefined ? one.protocol : undefined)
      expect(clock.pending).toEqual([])
      expect(sluice.metric('sluice_observer_dropped_total')).toBe(0)
    },
  )
})
