import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below Linux's default range for outgoing connections (32768 to 60999, net.ipv4.ip_local_port_range): a port found free here is not
 * taken by a client of another test before the server that it is meant for has bound it.
 */
const FIRST_PORT = 20_000
const LAST_PORT = 32_000
const ATTEMPTS = 100

/** A port of 127.0.0.1 that nobody listens on, for servers that cannot say which one they took. */
export async function freePort(): Promise<number> {
  for (let i = 0; i < ATTEMPTS; i++) {
    const port = FIRST_PORT + Math.floor(Math.random() * (LAST_PORT - FIRST_PORT))
    if (await canBind(port)) return port
  }
  throw new Error(`no free port between ${FIRST_PORT} and ${LAST_PORT} in ${ATTEMPTS} attempts`)
}

async function canBind(port: number): Promise<boolean> {
  const server = createServer()
  try {
    server.listen(port, '127.0.0.1')
    await once(server, 'listening')
    return true
  } catch {
    return false
  } finally {
    server.close()
  }
}
