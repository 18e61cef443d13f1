import { describe, expect, test } from 'vitest'
import type { Sniff, Sniffer } from '../../../src/core/sniffer.js'
import type { Plugin } from '../../../src/plugins/plugin.js'
import { FakeClock } from '../../../src/testing/fake-clock.js'
import { connectTo, serve } from '../../support/sockets.js'
import { startListener, turns } from '../../support/start-sluice.js'

/** `slow` makes up its mind about 0xf1 at the tenth byte; `quick`, which is asked after it, at the second. */
const slowAndQuick: Plugin = {
  name: 'slow-and-quick',
  apiVersion: 1,
  sniffers: [sniffsF1('slow', 10), sniffsF1('quick', 2)],
}

function sniffsF1(protocol: string, needs: number): Sniffer {
  const client = (window: Uint8Array): Sniff => {
    if (window.length > 0 && window[0] !== 0xf1) return 'no-match'
    if (window.length < needs) return 'need-more'
    return protocol === 'slow' && window[9] !== 0x7a ? 'no-match' : 'match'
  }
  const sample = protocol === 'slow' ? '\xf1bbbbbbbbz' : '\xf1bbbbbbbbb'
  return {
    protocol,
    maxBytes: needs,
    samples: { client: [sample] },
    before: protocol === 'slow' ? ['quick'] : [],
    client,
  }
}

async function start(options: Record<string, unknown>) {
  const clock = new FakeClock()
  const server = await serve()
  const sluice = await startListener(
    { destination: `127.0.0.1:${server.port}`, filters: [{ detect: options }, 'tcp-forward'] },
    { clock, plugins: [slowAndQuick] },
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

  test('does not ask a sniffer that is turned off', async () => {
    const { sluice, closed } = await start({ onUnknown: 'deny', sniffers: { ssh: { enabled: false } } })
    ;(await connectTo(sluice.address().port)).send('SSH-2.0-x\r\n')
    expect(await closed).toMatchObject({ outcome: 'unknown', denied: { filter: 'detect', reason: 'unknown' } })
  })

  test('takes wanting more for a no where a budget of bytes is used up, withheld and beside the relay', async () => {
    const sniffers = { ssh: { maxBytes: '7B' } }
    for (const onUnknown of ['deny', 'continue']) {
      const { server, sluice, closed } = await start({ protocols: ['ssh'], onUnknown, sniffers })
      const client = await connectTo(sluice.address().port)
      client.send('SSH-2.0')
      if (onUnknown === 'continue') {
        await (await server.accepted()).hears('SSH-2.0')
        client.send('-x\r\n')
        await (await server.accepted()).hears('-x\r\n')
        client.socket.resetAndDestroy()
      }
      expect(await closed).toMatchObject({ outcome: 'unknown', detection: { bytes: { client: 7, server: 0 } } })
    }
  })

  test('goes on without a sniffer whose time is over, and names what stood behind it', async () => {
    const { clock, server, sluice, closed } = await start({
      protocols: ['slow', 'quick'],
      onUnknown: 'deny',
      sniffers: { slow: { timeout: '300ms' } },
    })
    const client = await connectTo(sluice.address().port)
    client.send('\xf1b')
    await turns()
    expect(server.peers.length).toBe(0)
    clock.advance(299)
    await turns()
    expect(server.peers.length).toBe(0)
    clock.advance(1)
    await (await server.accepted()).hears('\xf1b')
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'quick', decidedBy: 'client' })
    expect(clock.pending).toEqual([])
  })

  test('has a match wait a moment for those that are only asked before it: 05 01 00 is SOCKS 5, and all that it says', async () => {
    const { clock, server, sluice, closed } = await start({ onUnknown: 'deny' })
    const client = await connectTo(sluice.address().port)
    client.send('\x05\x01\0')
    await turns()
    clock.advance(49)
    await turns()
    expect(server.peers.length).toBe(0)
    clock.advance(1)
    await (await server.accepted()).hears('\x05\x01\0')
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'socks5', decidedBy: 'client' })
    expect(clock.pending).toEqual([])
  })

  test('lets the bytes that come in that moment decide', async () => {
    const { clock, server, sluice, closed } = await start({ onUnknown: 'deny' })
    const client = await connectTo(sluice.address().port)
    client.send('\x05\x01\0')
    await turns()
    clock.advance(49)
    client.send('\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\xf0\0\0\0')
    await (await server.accepted()).hears('\xf0')
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'mongodb' })
    expect(clock.pending).toEqual([])
  })

  test('waits as long as anybody for a sniffer that says that it wins over the match', async () => {
    const { clock, server, sluice, closed } = await start({ protocols: ['slow', 'quick'], onUnknown: 'deny' })
    const client = await connectTo(sluice.address().port)
    client.send('\xf1b')
    await turns()
    clock.advance(5_000)
    client.send('bbbbbbbz')
    await (await server.accepted()).hears('z')
    client.socket.resetAndDestroy()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'slow' })
  })

  test('is done at once where nobody is left when a sniffer has had its time', async () => {
    const sniffers = { ssh: { timeout: '300ms' } }
    const { clock, sluice, closed } = await start({ protocols: ['ssh'], onUnknown: 'deny', sniffers })
    ;(await connectTo(sluice.address().port)).send('SSH-')
    await turns()
    clock.advance(300)
    expect(await closed).toMatchObject({ outcome: 'unknown', denied: { filter: 'detect', reason: 'unknown' } })
  })

  test.each(['continue', 'deny'])('obeys the onTimeout of a sniffer: %s', async (onTimeout) => {
    const { clock, server, sluice, closed } = await start({
      onUnknown: 'deny',
      onTimeout: onTimeout === 'deny' ? 'continue' : 'deny',
      sniffers: { ssh: { timeout: '300ms', onTimeout } },
    })
    const client = await connectTo(sluice.address().port)
    client.send('SSH-')
    await turns()
    clock.advance(300)
    if (onTimeout === 'continue') {
      await (await server.accepted()).hears('SSH-')
      client.socket.resetAndDestroy()
      expect(await closed).toMatchObject({ outcome: 'timeout', reason: 'reset' })
    } else {
      expect(await closed).toMatchObject({ outcome: 'timeout', denied: { filter: 'detect', reason: 'timeout' } })
    }
    const steps = sluice.closedTraces()[0]!.steps.map(({ note }) => note)
    expect(steps).toContain('ssh wanted more after 300 ms')
  })

  test.each([
    ['no timeout', { onTimeout: 'deny' }],
    ['a timeout that ends after all', { timeout: '20s', onTimeout: 'deny' }],
    ['been turned off', { enabled: false, timeout: '1s', onTimeout: 'deny' }],
  ])('withholds nothing for the onTimeout: deny of a sniffer that has %s', async (_, ssh) => {
    const { server, sluice } = await start({ sniffers: { ssh } })
    ;(await connectTo(sluice.address().port)).send('SSH-')
    await (await server.accepted()).hears('SSH-')
  })

  test('has no timer for a sniffer beside the relay', async () => {
    const { clock, server, sluice } = await start({ sniffers: { ssh: { timeout: '300ms' } } })
    ;(await connectTo(sluice.address().port)).send('SSH-')
    await (await server.accepted()).hears('SSH-')
    expect(clock.pending.length).toBe(1) // the sweep for idle connections
  })

  test.each([
    [{ sniffers: { tls: { timeout: '10s' } } }, 'sniffers.tls.timeout'],
    [{ protocols: ['ssh'], sniffers: { tls: { enabled: false } } }, 'sniffers.tls'],
    [{ sniffers: { tls: { enabled: false, timeout: '1s' } } }, 'sniffers.tls.timeout'],
    [{ sniffers: { tls: { enabled: false, maxBytes: '7B' } } }, 'sniffers.tls.maxBytes'],
    [{ sniffers: { ssh: { maxBytes: '9B' } } }, 'sniffers.ssh.maxBytes'],
    [{ sniffers: { ssh: { onTimeout: 'deny' } } }, 'sniffers.ssh.onTimeout'],
  ])('warns that %j has no effect', async (options, path) => {
    const { sluice } = await start(options)
    const warning = { code: 'SLUICE_CONFIG_NO_EFFECT', path: `listeners[0].filters[0].detect.${path}` }
    expect(sluice.warnings).toMatchObject([warning])
  })

  test.each([
    [{ protocols: ['shh'] }, 'protocols[0]', 'Did you mean "ssh"?'],
    [{ protocols: [] }, 'protocols', ''],
    [{ timeout: '0s' }, 'timeout', 'at least 1ms'],
    [{ timeout: 10 }, 'timeout', 'a duration'],
    [{ sniffers: { shh: {} } }, 'sniffers.shh', 'Did you mean "ssh"?'],
    [{ sniffers: { ssh: { maxBytes: 7 } } }, 'sniffers.ssh.maxBytes', 'a size'],
    [{ sniffers: { ssh: { onTimeout: 'opaque' } } }, 'sniffers.ssh.onTimeout', ''],
    [{ protocols: ['ssh'], sniffers: { ssh: { enabled: false } } }, 'sniffers', 'leave detect out'],
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
