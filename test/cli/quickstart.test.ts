import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { request } from 'node:https'
import { createServer } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { SpawnedSluice } from './spawned-sluice.js'
import { connected, get } from './test-origin.js'

async function portOf(sluice: SpawnedSluice, name: string): Promise<number> {
  return Number((await sluice.sees('stderr', new RegExp(`^ {2}${name} +(?:http://)?127\\.0\\.0\\.1:(\\d+) `, 'm')))[1])
}

/** Asks over TLS, as curl -k does. */
async function getTls(port: number, servername: string): Promise<string> {
  const sent = request({
    host: '127.0.0.1',
    port,
    servername,
    headers: { host: servername },
    rejectUnauthorized: false,
    agent: false,
  }).end()
  const [response] = (await once(sent, 'response')) as [IncomingMessage]
  let text = ''
  for await (const chunk of response.setEncoding('utf8')) text += String(chunk)
  return text
}

describe('sluice quickstart', () => {
  test('carries web, TLS and a server that greets first, and shows each as it is decided', async () => {
    const sluice = new SpawnedSluice(['quickstart'])
    const [web, shop, mail] = await Promise.all(['web', 'shop', 'mail'].map((name) => portOf(sluice, name)))
    await sluice.sees('stdout', new RegExp(`curl -v http://127\\.0\\.0\\.1:${web}/`))
    expect(await get(web!)).toContain('hello from the web server')
    expect(await get(web!, '/chunked')).toBe('one chunk, and another\n')
    expect(await getTls(shop!, 'shop.example')).toContain('you asked for shop.example')
    const client = await connected(mail!)
    let heard = ''
    client.setEncoding('latin1').on('data', (text: string) => {
      if (heard === '') client.write('EHLO me\r\nQUIT\r\n')
      heard += text
    })
    await once(client, 'end')
    client.end()
    expect(heard).toBe('220 quickstart.example ESMTP\r\n250 quickstart.example\r\n221 quickstart.example bye\r\n')
    await sluice.sees('stdout', /web +#1 +127\.0\.0\.1:\d+ +http\/1 +client/)
    await sluice.sees('stdout', /shop +#3 +127\.0\.0\.1:\d+ +tls +client.* shop\.example/)
    await sluice.sees('stdout', /mail +#4 +127\.0\.0\.1:\d+ +smtp +server/)
    await sluice.sees('stdout', /mail +#4 +closed by server/)
    sluice.process.kill('SIGINT')
    expect(await sluice.ended).toBe(0)
    expect(sluice.written.stderr).toContain('stopped: 4 connections, 0 denied, 0 cut.\n')
  })

  test('takes the next free port where one is taken, and says so', async () => {
    const taken = createServer().on('error', () => {}) // somebody else may have it: all the better
    taken.listen(8080, '127.0.0.1')
    await Promise.race([once(taken, 'listening').catch(() => {}), once(taken, 'error').catch(() => {})])
    onTestFinished(() => void taken.close())
    const sluice = new SpawnedSluice(['quickstart'])
    const [, used] = await sluice.sees('stdout', /^8080 is taken, using (80\d\d)$/m)
    expect(await portOf(sluice, 'web')).toBe(Number(used))
    expect(await get(Number(used))).toContain('hello')
  })

  test('ends at once on Ctrl-C, whatever is open', async () => {
    const sluice = new SpawnedSluice(['quickstart'])
    const client = await connected(await portOf(sluice, 'web'))
    client.write('GET /slow HTTP/1.1\r\nHost: a\r\n\r\n')
    await once(client, 'data')
    sluice.process.kill('SIGINT')
    expect(await sluice.ended).toBe(0)
    expect(sluice.written.stdout).toContain('cut by the stop')
  })
})
