import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { selfSignedCertificate } from '../self-signed-certificate.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import { nginxHttpPaths } from './nginx-http-paths.js'

export interface NginxServer extends Stoppable {
  /** Speaks HTTP/1.1. */
  readonly port: number
  /** Speaks HTTP/2 without TLS, to clients that know so beforehand. */
  readonly h2cPort: number
  /** Speaks HTTPS; answers with the server name (SNI) that the client asked for. */
  readonly tlsPort: number
}

/** Bytes of the file that is served at /big. */
export const BIG_BODY_BYTES = 3 * 1024 * 1024

/**
 * nginx with one worker: `/who` says which protocol and server name it saw, `/query` repeats its query, which may be of 60 KB, `/big` is
 * a file, POST is refused with 405.
 */
export function startNginx(serverNames: readonly string[] = ['shop.example.com']): Promise<NginxServer> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('nginx')
    onStop(() => folder.remove())
    const [port, h2cPort, tlsPort] = [await freePort(), await freePort(), await freePort()]
    await selfSignedCertificate(folder.path, serverNames)
    await writeFile(join(folder.path, 'big'), Buffer.alloc(BIG_BODY_BYTES, 'big body '))
    await writeFile(join(folder.path, 'nginx.conf'), configuration(folder.path, { port, h2cPort, tlsPort }))
    const program = startProgram('nginx', ['-p', folder.path, '-c', join(folder.path, 'nginx.conf'), '-e', 'stderr'])
    onStop(() => program.stop())
    await Promise.all([accepts(port), accepts(h2cPort), accepts(tlsPort)])
    return {
      port,
      h2cPort,
      tlsPort,
    }
  })
}

type Ports = Pick<NginxServer, 'port' | 'h2cPort' | 'tlsPort'>

// As root, nginx would run its worker as nobody, who cannot read the folder.
function configuration(folder: string, { port, h2cPort, tlsPort }: Ports): string {
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr warn;
events { worker_connections 1024; }
http {
  ${nginxHttpPaths(folder)}
  ssl_certificate ${folder}/certificate.pem;
  ssl_certificate_key ${folder}/key.pem;
  large_client_header_buffers 4 64k;
  server {
    listen 127.0.0.1:${port};
    listen 127.0.0.1:${h2cPort} http2;
    listen 127.0.0.1:${tlsPort} ssl http2;
    root ${folder};
    location /query { return 200 "$args"; }
    location /who { return 200 "$server_protocol $ssl_server_name\\n"; }
  }
}
`
}
