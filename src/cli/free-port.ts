import { once } from 'node:events'
import { createServer } from 'node:net'

/** Ports that are tried one after the other before the system may choose. */
const MAX_TRIES = 20

/** The first free port of loopback from `wanted` on; 0, any, where the next ones are all taken. */
export async function freePortFrom(wanted: number): Promise<number> {
  for (let port = wanted; port < wanted + MAX_TRIES; port++) {
    if (await isFree(port)) return port
  }
  return 0
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer()
  try {
    const listening = once(server, 'listening')
    server.listen(port, '127.0.0.1')
    await listening
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EADDRINUSE') return false
    throw error
  }
  server.close()
  await once(server, 'close')
  return true
}
