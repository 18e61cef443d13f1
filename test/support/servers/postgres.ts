import { writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { freePort } from '../free-port.js'
import { programPath } from '../need-programs.js'
import { type RunningProgram, runProgram, startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** PostgreSQL whose superuser `postgres` needs no password; with `tls` for whoever asks for it, or without. */
export function startPostgres({ tls }: { readonly tls: boolean }): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('postgres')
    onStop(() => folder.remove())
    const port = await freePort()
    await selfSignedCertificate(folder.path, ['inner.example'])
    const data = join(folder.path, 'data')
    await giveAway(folder.path)
    const made = await runProgram(
      ...asOther('initdb', ['-D', data, '-U', 'postgres', '-A', 'trust', '-E', 'UTF8', '--no-sync']),
    )
    if (made.code !== 0) throw new Error(`initdb, exit ${made.code}: ${made.stdout}${made.stderr}`)
    await writeFile(join(data, 'postgresql.auto.conf'), configuration(folder.path, port, tls))
    const program = startProgram(...asOther('postgres', ['-D', data]))
    onStop(() => stop(program))
    await program.prints(/database system is ready to accept connections/)
    return { port }
  })
}

/** SIGINT is "fast shutdown": SIGTERM would wait for the clients. */
function stop(program: RunningProgram): Promise<number | null> {
  return program.stop('SIGINT')
}

function isRoot(): boolean {
  return process.getuid?.() === 0
}

/** PostgreSQL refuses to run as root; Debian's package has made a user for it. The server is the one that belongs to `initdb`. */
function asOther(name: string, args: readonly string[]): [name: string, args: readonly string[]] {
  const path = join(dirname(programPath('initdb')), name)
  if (!isRoot()) return [path, args]
  return ['setpriv', ['--reuid=postgres', '--regid=postgres', '--clear-groups', path, ...args]]
}

async function giveAway(folder: string): Promise<void> {
  if (!isRoot()) return
  const { code, stderr } = await runProgram('chown', ['-R', 'postgres:postgres', folder])
  if (code !== 0) throw new Error(`chown: ${stderr}`)
}

function configuration(folder: string, port: number, tls: boolean): string {
  return `listen_addresses = '127.0.0.1'
port = ${port}
unix_socket_directories = ''
fsync = off
shared_buffers = 4MB
max_connections = 20
ssl = ${tls ? 'on' : 'off'}
ssl_cert_file = '${folder}/certificate.pem'
ssl_key_file = '${folder}/key.pem'
`
}
