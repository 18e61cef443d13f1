import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { NetworkNamespace } from '../network-namespaces.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import { nginxHttpPaths } from './nginx-http-paths.js'

/** What nginx has seen of a request that it answers. */
export interface Told {
  /** Where its connection was accepted: an IP literal, and a port. */
  readonly address: string
  readonly port: number
  /** The number of its connection among all of this nginx, and its own among the requests on that, from 1. */
  readonly wire: number
  readonly request: number
  readonly client: string
  /** Empty where there was none. */
  readonly host: string
  /** The request line. */
  readonly line: string
}

export interface TellingNginx extends Stoppable {
  /** Connections that it has accepted, from anybody but who asks this. */
  readonly accepted: () => Promise<number>
}

/** JSON, with variables of nginx. */
const ANSWER =
  '{"address":"$server_addr","port":$server_port,"wire":$connection,"request":$connection_requests,' +
  '"client":"$remote_addr","host":"$http_host","line":"$request"}'

/** nginx with one worker in a namespace, on these addresses (`10.0.0.1:80`): answers every request with what it has seen of it. */
export function startTellingNginx(place: NetworkNamespace, addresses: readonly string[]): Promise<TellingNginx> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('nginx-telling')
    onStop(() => folder.remove())
    const statusPort = await place.freePort()
    const path = join(folder.path, 'nginx.conf')
    await writeFile(path, configuration(folder.path, addresses, statusPort))
    const program = place.start('nginx', ['-p', folder.path, '-c', path, '-e', 'stderr'])
    onStop(() => program.stop())
    await place.accepts(statusPort)
    const asked = async (): Promise<number> => {
      const text = await place.succeed('curl', '-sSf', `http://127.0.0.1:${statusPort}/`)
      return Number(/accepts handled requests\s+(\d+)/.exec(text)?.[1])
    }
    // Who asks is counted, too, and so was who found out that it accepts.
    let own = await asked()
    return { accepted: async () => (await asked()) - ++own }
  })
}

// As root, nginx would run its worker as nobody, who cannot read the folder.
function configuration(folder: string, addresses: readonly string[], statusPort: number): string {
  return `
user root;
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  ${nginxHttpPaths(folder)}
  server { listen 127.0.0.1:${statusPort}; stub_status; }
  server {
    ${addresses.map((address) => `listen ${address};`).join(' ')}
    location / { return 200 '${ANSWER}\\n'; }
  }
}
`
}
