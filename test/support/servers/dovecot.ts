import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'

export interface DovecotServer extends Stoppable {
  readonly imapPort: number
  readonly pop3Port: number
}

/** Dovecot with an empty mailbox for whoever has the password `secret`, in the clear or after STARTTLS or STLS. */
export function startDovecot(): Promise<DovecotServer> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('dovecot')
    onStop(() => folder.remove())
    const [imapPort, pop3Port] = [await freePort(), await freePort()]
    await selfSignedCertificate(folder.path, ['inner.example'])
    // Of root's Dovecot the processes that read mail are nobody's.
    await chmod(folder.path, 0o755)
    await mkdir(join(folder.path, 'mail'))
    await chmod(join(folder.path, 'mail'), 0o777)
    const file = join(folder.path, 'dovecot.conf')
    await writeFile(file, configuration(folder.path, { imapPort, pop3Port }))
    const program = startProgram('dovecot', ['-F', '-c', file])
    onStop(() => program.stop())
    await Promise.all([accepts(imapPort), accepts(pop3Port)])
    return { imapPort, pop3Port }
  })
}

const NOBODY = 65_534

function configuration(folder: string, { imapPort, pop3Port }: Pick<DovecotServer, 'imapPort' | 'pop3Port'>): string {
  const { username, uid, gid } = userInfo()
  const isRoot = uid === 0
  const withoutRoot = `
default_internal_user = ${username}
default_login_user = ${username}
service anvil {
  chroot =
}`
  return `
protocols = imap pop3
base_dir = ${folder}/run
state_dir = ${folder}/state
log_path = /dev/stderr
ssl = yes
ssl_cert = <${folder}/certificate.pem
ssl_key = <${folder}/key.pem
disable_plaintext_auth = no
mail_location = maildir:${folder}/mail/%u
passdb {
  driver = static
  args = password=secret
}
userdb {
  driver = static
  args = uid=${isRoot ? NOBODY : uid} gid=${isRoot ? NOBODY : gid} home=${folder}/mail
}
${isRoot ? '' : withoutRoot}
first_valid_uid = 1
first_valid_gid = 1
service imap-login {
  chroot =
  inet_listener imap {
    address = 127.0.0.1
    port = ${imapPort}
  }
  inet_listener imaps {
    port = 0
  }
}
service pop3-login {
  chroot =
  inet_listener pop3 {
    address = 127.0.0.1
    port = ${pop3Port}
  }
  inet_listener pop3s {
    port = 0
  }
}
`
}
