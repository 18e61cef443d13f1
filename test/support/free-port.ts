import { once } from 'node:events'
import { createServer } from 'node:net'

/**
 * Below Linux's default range for outgoing connections (32768 to 60999, net.ipv4.ip_local_port_range): a port found free here is not
 * taken by a client of another test before the server that it is meant for has bound it.
 */
const FIRST_PORT = 20_000
/** Each of vitest's workers has ports of its own: two that look at once would find the same one free. */
const WORKERS = 64
const PORTS_PER_WORKER = 187

const firstPort = FIRST_PORT + (Number(process.env['VITEST_POOL_ID'] ?? 0) % WORKERS)
/** One after the other, so that none is given twice before its server has bound it; from anywhere, as other runs may look, too. */
let next = Math.floor(Math.random() * PORTS_PER_WORKER)

/** A port of 127.0.0.1 that nobody listens on, for servers that cannot say which one they took. */
export async function freePort(): Promise<number> {
  for (let i = 0; i < PORTS_PER_WORKER; i++) {
    next = (next + 1) % PORTS_PER_WORKER
    const port = firstPort + next * WORKERS
    if (await canBind(port)) return port
  }
  throw new Error(
    `none of the ${PORTS_PER_WORKER} ports of this worker is free (${firstPort}, ${firstPort + WORKERS}, ...)`,
  )
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
