import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'
import { nginxHttpPaths } from './nginx-http-paths.js'

/** Debian's package libnginx-mod-stream. */
const STREAM_MODULE = '/usr/lib/nginx/modules/ngx_stream_module.so'

export interface NginxProxy extends Stoppable {
  /** Takes connections with a header, and answers HTTP requests with the addresses and ports that it named. */
  readonly receiverPort: number
  /** Puts a header of version 1 before what comes here, and sends it to `forwardTo`. */
  readonly senderPort: number
}

/** nginx as receiver (`listen ... proxy_protocol`) and sender (`proxy_protocol on`) of PROXY protocol headers. */
export function startNginxProxy(forwardTo: number): Promise<NginxProxy> {
  return startServer(async (onStop) => {
    if (!existsSync(STREAM_MODULE)) throw new Error(`${STREAM_MODULE} is missing: apt-get install libnginx-mod-stream`)
    const folder = await temporaryFolder('nginx-proxy')
    onStop(() => folder.remove())
    const [receiverPort, senderPort] = [await freePort(), await freePort()]
    const file = join(folder.path, 'nginx.conf')
    await writeFile(file, configuration(folder.path, receiverPort, senderPort, forwardTo))
    const program = startProgram('nginx', ['-p', folder.path, '-c', file, '-e', 'stderr'])
    onStop(() => program.stop())
    await Promise.all([accepts(receiverPort), accepts(senderPort)])
    return { receiverPort, senderPort }
  })
}

function configuration(folder: string, receiverPort: number, senderPort: number, forwardTo: number): string {
  return `
load_module ${STREAM_MODULE};
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 256; }
http {
  ${nginxHttpPaths(folder)}
  server {
    listen 127.0.0.1:${receiverPort} proxy_protocol;
    location / {
      return 200 "$proxy_protocol_addr $proxy_protocol_port $proxy_protocol_server_addr $proxy_protocol_server_port\\n";
    }
  }
}
stream {
  server {
    listen 127.0.0.1:${senderPort};
    proxy_pass 127.0.0.1:${forwardTo};
    proxy_protocol on;
  }
}
`
}
