import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** InspIRCd, an IRC server, with STARTTLS. */
export function startInspircd(): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('inspircd')
    onStop(() => folder.remove())
    const port = await freePort()
    await selfSignedCertificate(folder.path, ['inner.example'])
    const file = join(folder.path, 'inspircd.conf')
    await writeFile(file, configuration(folder.path, port))
    await writeFile(join(folder.path, 'motd'), 'hello\n')
    // Asked to end, Debian's 3.15 may crash while it unloads its modules: its core file goes with the folder.
    const program = startProgram('inspircd', ['--runasroot', '--nofork', `--config=${file}`], { cwd: folder.path })
    onStop(() => program.stop())
    await program.prints(/InspIRCd is now running/)
    return { port }
  })
}

function configuration(folder: string, port: number): string {
  return `
<server name="irc.inner.example" description="test" network="Test" id="1AA">
<admin name="a" email="a@inner.example" nick="a">
<bind address="127.0.0.1" port="${port}" type="clients">
<connect name="all" allow="*" timeout="30" resolvehostnames="no" pingfreq="120">
<module name="ssl_gnutls">
<sslprofile name="Clients" provider="gnutls" certfile="${folder}/certificate.pem" keyfile="${folder}/key.pem">
<module name="starttls">
<starttls provider="Clients">
<files motd="${folder}/motd">
<log method="stderr" level="default" type="*" target="/dev/stderr">
<pid file="${folder}/pid">
<dns server="127.0.0.1" timeout="1">
<path datadir="${folder}" logdir="${folder}">
`
}
