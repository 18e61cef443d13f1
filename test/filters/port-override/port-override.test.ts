import { describe, expect, test } from 'vitest'
import { ORIGINAL_DESTINATIONS } from '../../../src/core/tokens.js'
import { connectTo, serve } from '../../support/sockets.js'
import { startListener } from '../../support/start-sluice.js'

/** Where everything arrives, whatever the original destination says; the port alone is looked at. */
async function namedBy(port: number, ports: Record<string, string> = {}) {
  const server = await serve()
  const sluice = await startListener(
    {
      intercept: 'redirect',
      destination: 'original',
      filters: [
        { 'port-override': { ports } },
        'detect',
        { 'tcp-forward': { routes: [{ destination: `127.0.0.1:${server.port}` }] } },
      ],
    },
    { providers: [{ token: ORIGINAL_DESTINATIONS, value: { of: () => ({ host: '192.0.2.1', port }) } }] },
  )
  const client = await connectTo(sluice.address().port)
  client.send('SSH-2.0-whatever\r\n')
  await (await server.accepted()).hears('SSH-2.0-whatever')
  const { protocol, decidedBy } = sluice.connections()[0]!
  return { protocol, decidedBy, sluice }
}

describe('port-override', () => {
  test.each([
    [25, 'smtp'],
    [587, 'smtp'],
    [3306, 'mysql'],
  ])('names port %i %s by default, whatever is said there', async (port, protocol) => {
    expect(await namedBy(port)).toMatchObject({ protocol, decidedBy: 'port' })
  })

  test('leaves other ports to detection', async () => {
    expect(await namedBy(4406)).toMatchObject({ protocol: 'ssh', decidedBy: 'client' })
  })

  test("puts the operator's ports on top of the defaults", async () => {
    expect(await namedBy(2525, { 2525: 'smtp' })).toMatchObject({ protocol: 'smtp', decidedBy: 'port' })
    expect(await namedBy(25, { 2525: 'smtp' })).toMatchObject({ protocol: 'smtp', decidedBy: 'port' })
    expect(await namedBy(3306, { 3306: 'opaque' })).toMatchObject({ protocol: 'opaque', decidedBy: 'port' })
  })

  test('takes a default out with detect', async () => {
    expect(await namedBy(3306, { 3306: 'detect' })).toMatchObject({ protocol: 'ssh', decidedBy: 'client' })
  })

  test('takes ranges, in which a single port has its own name', async () => {
    const ports = { '6000-6100': 'opaque', 6050: 'nats' }
    expect(await namedBy(6000, ports)).toMatchObject({ protocol: 'opaque' })
    expect(await namedBy(6100, ports)).toMatchObject({ protocol: 'opaque' })
    expect(await namedBy(6050, ports)).toMatchObject({ protocol: 'nats' })
    expect(await namedBy(6101, ports)).toMatchObject({ protocol: 'ssh' })
  })

  test('keeps byte metrics, and counts what the port decided', async () => {
    const { sluice } = await namedBy(6000, { 6000: 'opaque' })
    expect(sluice.metric('tcp_read_bytes_total', { peer: 'src', target_port: '6000' })).toBe(18)
    expect(sluice.metric('sluice_detect_total', { outcome: 'detected', protocol: 'opaque', decided_by: 'port' })).toBe(
      1,
    )
  })

  test.each([
    [{ 0: 'smtp' }, 'listeners[0].filters[0].port-override.ports.0'],
    [{ '10-5': 'smtp' }, 'listeners[0].filters[0].port-override.ports.10-5'],
    [{ 'a-b': 'smtp' }, 'listeners[0].filters[0].port-override.ports.a-b'],
    [{ 70000: 'smtp' }, 'listeners[0].filters[0].port-override.ports.70000'],
    [{ 80: 'htp/1' }, 'listeners[0].filters[0].port-override.ports.80'],
    [{ '80-90': 'smtp', '85-95': 'nats' }, 'listeners[0].filters[0].port-override.ports.85-95'],
  ])('refuses %j', async (ports, path) => {
    const filters = [{ 'port-override': { ports } }, 'echo']
    await expect(startListener({ filters })).rejects.toMatchObject({
      code: 'SLUICE_CONFIG_INVALID',
      findings: [expect.objectContaining({ path, severity: 'error' })],
    })
  })
})
