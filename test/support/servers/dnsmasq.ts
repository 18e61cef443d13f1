import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer } from '../start-server.js'
import type { TestServerProgram } from './test-server.js'

/** dnsmasq that answers for `cluster.local` from its options alone, and forwards nothing. */
export function startDnsmasq(...records: readonly string[]): Promise<TestServerProgram> {
  return startServer(async (onStop) => {
    const port = await freePort()
    const program = startProgram('dnsmasq', [
      ...['--keep-in-foreground', '--conf-file=/dev/null', '--pid-file', '--user=', '--log-facility=-'],
      ...[`--port=${port}`, '--listen-address=127.0.0.1', '--bind-interfaces', '--no-resolv', '--no-hosts'],
      ...['--local=/cluster.local/', '--local-ttl=17', ...records],
    ])
    onStop(() => program.stop())
    await program.prints(/started, version/)
    return { port }
  })
}
