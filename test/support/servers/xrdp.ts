import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** xrdp, an RDP server, for clients that take TLS. Nobody can log in: its session manager does not run. */
export function startXrdp(): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('xrdp')
    onStop(() => folder.remove())
    const port = await freePort()
    await selfSignedCertificate(folder.path, ['inner.example'])
    const file = join(folder.path, 'xrdp.ini')
    await writeFile(file, configuration(folder.path, port))
    const program = startProgram('xrdp', ['--nodaemon', '--config', file])
    onStop(() => program.stop())
    await accepts(port)
    return { port }
  })
}

function configuration(folder: string, port: number): string {
  return `[Globals]
ini_version=1
fork=true
port=tcp://127.0.0.1:${port}
security_layer=tls
certificate=${folder}/certificate.pem
key_file=${folder}/key.pem
ssl_protocols=TLSv1.2, TLSv1.3
[Logging]
LogFile=${folder}/log
LogLevel=INFO
EnableConsole=true
[Xorg]
name=Xorg
lib=libxup.so
`
}
