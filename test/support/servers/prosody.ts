import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'

export interface ProsodyServer extends Stoppable {
  readonly clientPort: number
  /** For other servers. */
  readonly serverPort: number
}

/** Prosody, an XMPP server, for the domain `inner.example`, with STARTTLS. */
export function startProsody(): Promise<ProsodyServer> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('prosody')
    onStop(() => folder.remove())
    const [clientPort, serverPort] = [await freePort(), await freePort()]
    await selfSignedCertificate(folder.path, ['inner.example'])
    const file = join(folder.path, 'prosody.cfg.lua')
    await writeFile(file, configuration(folder.path, { clientPort, serverPort }))
    const program = startProgram('prosody', ['-F', '--config', file])
    onStop(() => program.stop())
    await program.prints(/Activated service 'c2s'/)
    await program.prints(/Activated service 's2s'/)
    return { clientPort, serverPort }
  })
}

function configuration(folder: string, ports: Pick<ProsodyServer, 'clientPort' | 'serverPort'>): string {
  return `
pidfile = "${folder}/pid"
data_path = "${folder}"
run_as_root = true
interfaces = { "127.0.0.1" }
c2s_ports = { ${ports.clientPort} }
s2s_ports = { ${ports.serverPort} }
c2s_direct_tls_ports = {}
s2s_direct_tls_ports = {}
modules_enabled = { "saslauth", "tls" }
log = { info = "*console" }
certificates = "${folder}"
ssl = { certificate = "${folder}/certificate.pem", key = "${folder}/key.pem" }
VirtualHost "inner.example"
`
}
