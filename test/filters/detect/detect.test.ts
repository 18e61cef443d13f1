import { describe, expect, test } from 'vitest'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { connectTo, serve } from '../../support/sockets.js'
import { startListener, turns } from '../../support/start-sluice.js'

async function start(options: Record<string, unknown>) {
  const clock = new FakeClock()
  const server = await serve()
  const sluice = await startListener(
    { destination: `127.0.0.1:${server.port}`, filters: [{ detect: options }, 'tcp-forward'] },
    { clock },
  )
  return { clock, server, sluice, closed: sluice.nextClose() }
}

describe('detect', () => {
  test('looks for the listed protocols only', async () => {
    const { sluice, closed } = await start({ protocols: ['ssh'], onUnknown: 'deny' })
    const client = await connectTo(sluice.address().port)
    client.send('GET / HTTP/1.1\r\n\r\n')
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ outcome: 'unknown', denied: { filter: 'detect', reason: 'unknown' } })
  })

  test.each(['onTimeout', 'onUnknown'])('withholds for its own %s: deny, and for nothing else', async (option) => {
    const withheld = await start({ [option]: 'deny' })
    ;(await connectTo(withheld.sluice.address().port)).send('SSH-')
    await turns()
    expect(withheld.server.peers.length).toBe(0)
    const passed = await start({ [option]: 'continue' })
    ;(await connectTo(passed.sluice.address().port)).send('SSH-')
    await (await passed.server.accepted()).hears('SSH-')
  })

  test('obeys onTimeout and onUnknown apart', async () => {
    const { clock, sluice, closed } = await start({ onTimeout: 'deny', onUnknown: 'continue', timeout: '2s' })
    const client = await connectTo(sluice.address().port)
    client.send('SSH-')
    await turns(5)
    clock.advance(2_000)
    expect(await client.closed()).toBe('ECONNRESET')
    expect(await closed).toMatchObject({ outcome: 'timeout', denied: { filter: 'detect', reason: 'timeout' } })
    expect(sluice.metric('sluice_detect_total', { outcome: 'timeout', protocol: '', decided_by: '' })).toBe(1)
  })

  test('dials nobody early where that is turned off', async () => {
    const { clock, server, sluice } = await start({ onUnknown: 'deny', earlyDial: false })
    const client = await connectTo(sluice.address().port)
    await turns()
    clock.advance(59_000)
    await turns()
    expect(server.peers.length).toBe(0)
    client.send('SSH-2.0-x\r\n')
    await (await server.accepted()).hears('SSH-2.0-x')
  })

  test.each([
    [{ protocols: ['shh'] }, 'protocols[0]', 'Did you mean "ssh"?'],
    [{ protocols: [] }, 'protocols', ''],
    [{ timeout: '0s' }, 'timeout', 'at least 1ms'],
    [{ timeout: 10 }, 'timeout', 'a duration'],
    [{ onUnknown: 'drop' }, 'onUnknown', ''],
    [{ onUnkown: 'deny' }, 'onUnkown', 'Did you mean "onUnknown"?'],
  ])('refuses %j', async (options, path, hint) => {
    await expect(start(options)).rejects.toMatchObject({
      findings: [
        expect.objectContaining({
          path: `listeners[0].filters[0].detect.${path}`,
          message: expect.stringContaining(hint) as string,
        }),
      ],
    })
  })
})
