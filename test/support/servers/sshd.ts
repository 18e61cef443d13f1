import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { userInfo } from 'node:os'
import { join } from 'node:path'
import { freePort } from '../free-port.js'
import { programPath } from '../need-programs.js'
import { runProgram, startProgram } from '../run-program.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** Debian's sshd will not run as root without it; its service makes it at boot. */
const PRIVILEGE_SEPARATION_FOLDER = '/run/sshd'

export interface SshServer extends TestServerProgram {
  /** Options of an ssh client that reaches this server at 127.0.0.1 and `port` as the user of the test, with a key made for it. */
  readonly clientOptions: (port: number) => string[]
}

export function startSshd(): Promise<SshServer> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('sshd')
    onStop(() => folder.remove())
    const port = await freePort()
    const file = (name: string): string => join(folder.path, name)
    for (const name of ['host-key', 'client-key']) await makeKey(file(name))
    await writeFile(file('config'), configuration(port, file))
    await chmod(folder.path, 0o700)
    if (process.getuid?.() === 0) await mkdir(PRIVILEGE_SEPARATION_FOLDER, { recursive: true, mode: 0o755 })
    // sshd starts itself again for each connection, so it wants its own full path.
    const program = startProgram(programPath('sshd'), ['-D', '-e', '-f', file('config')])
    onStop(() => program.stop())
    await program.prints(/Server listening on/)
    return {
      port,
      clientOptions: (throughPort) => [
        ...[
          '-F',
          'none',
          '-p',
          String(throughPort),
          '-i',
          file('client-key'),
          '-o',
          'IdentitiesOnly=yes',
          '-o',
          'BatchMode=yes',
        ],
        ...[
          '-o',
          'StrictHostKeyChecking=no',
          '-o',
          `UserKnownHostsFile=${file('known-hosts')}`,
          '-o',
          'LogLevel=ERROR',
        ],
        `${userInfo().username}@127.0.0.1`,
      ],
    }
  })
}

async function makeKey(path: string): Promise<void> {
  const { code, stderr } = await runProgram('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-f', path])
  if (code !== 0) throw new Error(`ssh-keygen: ${stderr}`)
}

function configuration(port: number, file: (name: string) => string): string {
  return `
Port ${port}
ListenAddress 127.0.0.1
HostKey ${file('host-key')}
AuthorizedKeysFile ${file('client-key.pub')}
PidFile ${file('pid')}
PermitRootLogin yes
PasswordAuthentication no
StrictModes no
MaxStartups 1000
UsePAM no
`
}
