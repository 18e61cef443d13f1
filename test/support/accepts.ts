import { once } from 'node:events'
import { connect } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

const LIMIT_MS = 30_000
/** Between two attempts, so that asking does not take the processor from the server that is starting. */
const BETWEEN_MS = 10

/** Settles when a server accepts on this port; for servers that print nothing when they are ready. */
export async function accepts(port: number): Promise<void> {
  const until = performance.now() + LIMIT_MS
  while (!(await canConnect(port))) {
    if (performance.now() > until) throw new Error(`nothing accepts on port ${port}`)
    await pause(BETWEEN_MS)
  }
}

async function canConnect(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
