import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'

/** Ports below this are left alone. */
const LOWEST_PORT = 10_240

const FIND_ATTEMPTS = 100
const LISTEN_TIMEOUT_MS = 15_000
const LISTEN_POLL_MS = 10

/** The state "listening" in /proc/net/tcp. */
const TCP_LISTEN = '0A'

const handedOut = new Set()

/**
 * Finds a port of 127.0.0.1 on which nothing listens; none is handed out twice. It lies below the kernel's own range
 * where there is room, so that no outgoing connection takes it in the meantime.
 */
export async function findFreePort() {
  const highest = Number(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8').split('\t')[0]) - 1
  for (let attempt = 0; attempt < FIND_ATTEMPTS; attempt++) {
    const room = highest - LOWEST_PORT
    const port = await tryPort(room > 1000 ? LOWEST_PORT + Math.floor(Math.random() * room) : 0)
    if (port === undefined || handedOut.has(port)) continue
    handedOut.add(port)
    return port
  }
  throw new Error(`no free port after ${FIND_ATTEMPTS} attempts`)
}

async function tryPort(wanted) {
  const server = createServer()
  try {
    await once(server.listen(wanted, '127.0.0.1'), 'listening')
    return server.address().port
  } catch {
    return undefined
  } finally {
    server.close()
  }
}

/** Waits until someone listens on the port, without connecting to it: a connection would already be measured load. */
export async function untilListening(port, group) {
  const local = `:${port.toString(16).toUpperCase().padStart(4, '0')}`
  const deadline = performance.now() + LISTEN_TIMEOUT_MS
  while (performance.now() < deadline) {
    group.assertAlive()
    if (isListening(local)) return
    await delay(LISTEN_POLL_MS)
  }
  throw new Error(`nothing listens on port ${port} after ${LISTEN_TIMEOUT_MS} ms`)
}

function isListening(local) {
  return readFileSync('/proc/net/tcp', 'utf8')
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .some(([, address, , state]) => state === TCP_LISTEN && address.endsWith(local))
}
