import { readFile } from 'node:fs/promises'
import { expect, test } from 'vitest'
import { connectTo, serve } from '../support/sockets.js'
import { startListener } from '../support/start-sluice.js'

/** proc(5), /proc/net/tcp: timer 02 is keep-alive, the jiffies until it fires follow; ports are hexadecimal. */
async function timerOf(localPort: number, remotePort: number): Promise<{ kind: string; jiffies: number } | undefined> {
  const hex = (port: number): string => port.toString(16).toUpperCase().padStart(4, '0')
  for (const line of (await readFile('/proc/net/tcp', 'utf8')).split('\n')) {
    const [, local = '', remote = '', , , timer = ''] = line.trim().split(/\s+/)
    if (!local.endsWith(`:${hex(localPort)}`) || !remote.endsWith(`:${hex(remotePort)}`)) continue
    const [kind = '', jiffies = ''] = timer.split(':')
    return { kind, jiffies: parseInt(jiffies, 16) }
  }
  return undefined
}

const isLinux = process.platform === 'linux'

test.skipIf(!isLinux)(
  `TCP keep-alive is on, on both sockets of a connection${isLinux ? '' : ' (skipped: only Linux shows it in /proc)'}`,
  async () => {
    const server = await serve()
    const sluice = await startListener({ destination: `127.0.0.1:${server.port}`, timeouts: { keepAlive: '7s' } })
    const client = await connectTo(sluice.address().port)
    client.send('x')
    const upstream = await server.accepted()
    await upstream.hears('x')
    upstream.send('y')
    await client.hears('y')
    const [downstreamTimer, upstreamTimer] = [
      await timerOf(sluice.address().port, client.socket.localPort!),
      await timerOf(upstream.socket.remotePort!, server.port),
    ]
    expect([downstreamTimer?.kind, upstreamTimer?.kind]).toEqual(['02', '02'])
    // A hundredth of a second each: no more than the seven seconds that were asked for.
    expect(downstreamTimer!.jiffies).toBeLessThanOrEqual(700)
    expect(upstreamTimer!.jiffies).toBeLessThanOrEqual(700)
  },
)
