import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type ServerPlace, thisMachine } from '../server-place.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** Exim, an SMTP server: accepts every message and throws it away. */
export function startExim(place: ServerPlace = thisMachine): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('exim')
    onStop(() => folder.remove())
    const port = await place.freePort()
    const config = join(folder.path, 'exim.conf')
    await writeFile(config, configuration(folder.path, place.bind, port))
    // Started by root, Exim goes on as its own user, who must be able to write its spool here.
    if (process.getuid?.() === 0) await chmod(folder.path, 0o777)
    const program = place.start('exim4', ['-C', config, '-bdf'])
    onStop(() => program.stop())
    await place.accepts(port)
    return { port }
  })
}

function configuration(folder: string, host: string, port: number): string {
  return `
primary_hostname = mail.example.com
local_interfaces = <; ${host}
daemon_smtp_ports = ${port}
tls_advertise_hosts =
spool_directory = ${folder}/spool
log_file_path = ${folder}/%slog
pid_file_path = ${folder}/pid
host_lookup =
acl_smtp_rcpt = accept
acl_smtp_data = accept

begin acl
accept:
  accept

begin routers
nowhere:
  driver = redirect
  data = :blackhole:
`
}
