import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** Exim, an SMTP server: accepts every message and throws it away. With `tls` it offers STARTTLS. */
export function startExim({ tls = false }: { readonly tls?: boolean } = {}): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('exim')
    onStop(() => folder.remove())
    const port = await freePort()
    const config = join(folder.path, 'exim.conf')
    if (tls) await selfSignedCertificate(folder.path, ['inner.example'])
    await writeFile(config, configuration(folder.path, port, tls))
    // Started by root, Exim goes on as its own user, who must be able to write its spool here.
    if (process.getuid?.() === 0) await chmod(folder.path, 0o777)
    if (tls) await chmod(join(folder.path, 'key.pem'), 0o644)
    const program = startProgram('exim4', ['-C', config, '-bdf'])
    onStop(() => program.stop())
    await accepts(port)
    return { port }
  })
}

function configuration(folder: string, port: number, tls: boolean): string {
  const offer = `tls_advertise_hosts = *
tls_certificate = ${folder}/certificate.pem
tls_privatekey = ${folder}/key.pem`
  return `
primary_hostname = mail.example.com
local_interfaces = 127.0.0.1
daemon_smtp_ports = ${port}
${tls ? offer : 'tls_advertise_hosts ='}
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
