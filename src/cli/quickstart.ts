import type { Command } from 'commander'
import type { Sluice } from '../sluice.js'
import type { ListenerInput, SluiceConfig } from '../sluice-config.js'
import type { Output } from './cli-io.js'
import { freePortFrom } from './free-port.js'
import { type QuickstartUpstreams, startQuickstartUpstreams } from './quickstart-upstreams.js'
import type { ServingIo } from './serving-io.js'

const NOTES = `
Three listeners on 127.0.0.1, before three servers that it brings along: web (HTTP), shop (TLS) and mail (a server that greets
first). Ports are 8080, 8443, 2525, and 4191 for the admin endpoint; the next free one where one is taken.

Exit codes: 0 stopped, 1 start failed.`

const WANTED_PORTS = { web: 8080, shop: 8443, mail: 2525, admin: 4191 } as const

/** Enough for a try, and below a third of any usual descriptor limit. */
const MAX_CONNECTIONS = 100

type Ports = Readonly<Record<keyof typeof WANTED_PORTS, number>>

/** `sluice quickstart`, which `npm start` runs: Sluice before servers of its own, and three commands to try. */
export function defineQuickstart(command: Command, io: ServingIo): void {
  command.addHelpText('after', NOTES).action(async () => io.setExitCode(await quickstart(io)))
}

async function quickstart(io: ServingIo): Promise<number> {
  const { serve } = await import('./serve.js')
  const upstreams = await startQuickstartUpstreams()
  try {
    const ports = await choosePorts(io.stdout)
    return await serve(quickstartConfig(ports, upstreams), {
      io,
      logFormat: 'pretty',
      title: 'quickstart',
      alwaysShowsConnections: true,
      onReady: (sluice) => void io.stdout.write(invitation(sluice)),
    })
  } finally {
    upstreams.close()
  }
}

async function choosePorts(output: Output): Promise<Ports> {
  const chosen: Record<string, number> = {}
  for (const [name, wanted] of Object.entries(WANTED_PORTS)) {
    const port = await freePortFrom(wanted)
    chosen[name] = port
    if (port !== wanted) output.write(`${wanted} is taken, using ${port === 0 ? 'any that is free' : port}\n`)
  }
  return chosen as Ports
}

/** The default chain for each: nothing here says what they speak. */
function quickstartConfig(ports: Ports, { webPort, shopPort, mailPort }: QuickstartUpstreams): SluiceConfig {
  const listener = (name: string, port: number, upstreamPort: number): ListenerInput => ({
    name,
    address: `127.0.0.1:${port}`,
    destination: `127.0.0.1:${upstreamPort}`,
    limits: { maxConnections: MAX_CONNECTIONS },
  })
  return {
    admin: { address: `127.0.0.1:${ports.admin}` },
    drain: { grace: '0s' },
    listeners: [
      listener('web', ports.web, webPort),
      listener('shop', ports.shop, shopPort),
      listener('mail', ports.mail, mailPort),
    ],
  }
}

function invitation(sluice: Sluice): string {
  const port = (listener: string): number => sluice.address(listener).port
  return `Nothing above says what these ports speak. Try, from another terminal:

  curl -v http://127.0.0.1:${port('web')}/
  curl -k --resolve shop.example:${port('shop')}:127.0.0.1 https://shop.example:${port('shop')}/
  curl -v telnet://127.0.0.1:${port('mail')}        # or nc 127.0.0.1 ${port('mail')}; type QUIT

`
}
