import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** What its one file, `hello.txt`, says. */
export const HELLO_FILE = 'hello by ftp\n'

/**
 * vsftpd for anonymous users, with TLS for whoever asks for it, or without. Needs root: it changes its user and its root folder. The
 * user it changes to has to have a home that exists, as daemon has on Debian.
 */
export function startVsftpd({ tls }: { readonly tls: boolean }): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('vsftpd')
    onStop(() => folder.remove())
    const port = await freePort()
    await selfSignedCertificate(folder.path, ['inner.example'])
    await chmod(folder.path, 0o755)
    for (const name of ['empty', 'public']) await mkdir(join(folder.path, name), { mode: 0o755 })
    await writeFile(join(folder.path, 'public', 'hello.txt'), HELLO_FILE, { mode: 0o644 })
    const file = join(folder.path, 'vsftpd.conf')
    await writeFile(file, configuration(folder.path, port, tls))
    const program = startProgram('vsftpd', [file])
    onStop(() => program.stop())
    await accepts(port)
    return { port }
  })
}

function configuration(folder: string, port: number, tls: boolean): string {
  return `listen=YES
listen_address=127.0.0.1
listen_port=${port}
background=NO
anonymous_enable=YES
local_enable=NO
ftp_username=daemon
nopriv_user=nobody
anon_root=${folder}/public
secure_chroot_dir=${folder}/empty
xferlog_enable=NO
seccomp_sandbox=NO
ssl_enable=${tls ? 'YES' : 'NO'}
allow_anon_ssl=YES
require_ssl_reuse=NO
ssl_ciphers=HIGH
rsa_cert_file=${folder}/certificate.pem
rsa_private_key_file=${folder}/key.pem
`
}
