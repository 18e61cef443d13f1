import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** OpenLDAP's server with an empty directory `dc=example`, and StartTLS, or without. */
export function startSlapd({ tls }: { readonly tls: boolean }): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('slapd')
    onStop(() => folder.remove())
    const port = await freePort()
    await selfSignedCertificate(folder.path, ['inner.example'])
    await mkdir(join(folder.path, 'data'))
    const file = join(folder.path, 'slapd.conf')
    await writeFile(file, configuration(folder.path, tls))
    // A level of debugging keeps it in the foreground. It says "starting" before it listens.
    const program = startProgram('slapd', ['-d', '256', '-f', file, '-h', `ldap://127.0.0.1:${port}`])
    onStop(() => program.stop())
    await accepts(port)
    return { port }
  })
}

function configuration(folder: string, tls: boolean): string {
  return `include /etc/ldap/schema/core.schema
pidfile ${folder}/pid
${tls ? `TLSCertificateFile ${folder}/certificate.pem\nTLSCertificateKeyFile ${folder}/key.pem` : ''}
database ldif
suffix "dc=example"
directory ${folder}/data
`
}
