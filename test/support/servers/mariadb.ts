import { userInfo } from 'node:os'
import { join } from 'node:path'
import { runProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { type ServerPlace, thisMachine } from '../server-place.js'
import { startServer } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import type { TestServerProgram } from './test-server.js'

/** What the kernel allows all processes together (fs.aio-max-nr, locked memory) is not enough for several at once everywhere. */
const WITHOUT_NATIVE_AIO = '--innodb-use-native-aio=0'

/** MariaDB with a user `test`, password `secret`, and an empty database `test`; with `tls` for whoever asks for it, too. */
export function startMariadb(
  place: ServerPlace = thisMachine,
  { tls = false }: { readonly tls?: boolean } = {},
): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('mariadb')
    onStop(() => folder.remove())
    const port = await place.freePort()
    const data = join(folder.path, 'data')
    // Without --user a MariaDB of root refuses to run.
    const common = ['--no-defaults', `--datadir=${data}`, `--user=${userInfo().username}`]
    const made = await runProgram('mariadb-install-db', [
      ...common,
      '--auth-root-authentication-method=normal',
      '--skip-test-db',
      WITHOUT_NATIVE_AIO,
    ])
    if (made.code !== 0) throw new Error(`mariadb-install-db, exit ${made.code}: ${made.stdout}${made.stderr}`)
    const file = (name: string): string => join(folder.path, name)
    if (tls) await selfSignedCertificate(folder.path, ['inner.example'])
    const program = place.start('mariadbd', [
      ...common,
      ...(tls ? [`--ssl-cert=${file('certificate.pem')}`, `--ssl-key=${file('key.pem')}`] : []),
      ...[
        // Its `::` is IPv6 alone.
        `--bind-address=${place.bind === '::' ? '*' : place.bind}`,
        `--port=${port}`,
        `--socket=${join(folder.path, 's')}`,
        `--pid-file=${join(folder.path, 'pid')}`,
      ],
      // Else who connects a hundred times without logging in is blocked.
      '--max-connect-errors=1000000',
      // Small and quick to start.
      ...[
        WITHOUT_NATIVE_AIO,
        '--innodb-buffer-pool-size=8M',
        '--innodb-log-file-size=4M',
        '--skip-log-bin',
        '--skip-name-resolve',
      ],
    ])
    onStop(() => program.stop())
    await program.prints(/ready for connections/)
    await createUser(place, port)
    return { port }
  })
}

async function createUser(place: ServerPlace, port: number): Promise<void> {
  const sql = "create database test; create user test@'%' identified by 'secret'; grant all on test.* to test@'%'"
  const { code, stderr } = await place.run('mariadb', [
    '--no-defaults',
    '-h',
    '127.0.0.1',
    '-P',
    String(port),
    '-u',
    'root',
    '-e',
    sql,
  ])
  if (code !== 0) throw new Error(`mariadb: ${stderr}`)
}
