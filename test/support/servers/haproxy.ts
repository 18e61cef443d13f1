import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import { untilSucceeds } from '../until-succeeds.js'

/**
 * HAProxy in the foreground with these sections (`listen`, `frontend`, `backend`). It has bound all its ports before it
 * answers on any: one of its own is asked whether it is up, so that nothing behind the others hears of it.
 */
export function startHaproxy(sections: string): Promise<Stoppable> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('haproxy')
    onStop(() => folder.remove())
    const file = join(folder.path, 'haproxy.cfg')
    const readyPort = await freePort()
    await writeFile(file, `${GLOBAL}\n${readySection(readyPort)}\n${sections}\n`)
    const program = startProgram('haproxy', ['-db', '-f', file])
    onStop(() => program.stop())
    await Promise.race([answers(`http://127.0.0.1:${readyPort}/`), ended(program.child, () => program.output)])
    return {}
  })
}

/** A port that another HAProxy has is an error: without this, the kernel would give each of them some of the connections. */
const GLOBAL = `
global
  maxconn 200
  noreuseport
defaults
  mode tcp
  timeout connect 10s
  timeout client 30s
  timeout server 30s`

function readySection(port: number): string {
  return `frontend ready
  mode http
  bind 127.0.0.1:${port}
  http-request return status 200`
}

/** Accepting is not enough: the kernel does so from the moment at which this port is bound, and there may be others to bind. */
async function answers(url: string): Promise<void> {
  await untilSucceeds(() =>
    fetch(url).then(
      ({ ok }) => ok,
      () => false,
    ),
  )
}

/** Rejects with what it printed: a section that it does not understand is seen at once. */
function ended(child: { once(event: 'close', listener: () => void): unknown }, output: () => string): Promise<never> {
  return new Promise((_resolve, reject) => child.once('close', () => reject(new Error(`haproxy ended:\n${output()}`))))
}
