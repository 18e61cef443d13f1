import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'

export interface NginxReverseProxy extends Stoppable {
  readonly port: number
}

/** nginx with one worker, which passes requests on as they come, unbuffered, over connections that it keeps. */
export function startNginxReverseProxy(forwardTo: number): Promise<NginxReverseProxy> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('nginx-reverse-proxy')
    onStop(() => folder.remove())
    const port = await freePort()
    const file = join(folder.path, 'nginx.conf')
    await writeFile(file, configuration(folder.path, port, forwardTo))
    const program = startProgram('nginx', ['-p', folder.path, '-c', file, '-e', 'stderr'])
    onStop(() => program.stop())
    await accepts(port)
    return { port }
  })
}

// As root, nginx would run its worker as nobody, who cannot write to the folder.
function configuration(folder: string, port: number, forwardTo: number): string {
  return `
${process.getuid?.() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off;
  client_max_body_size 64m;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/fastcgi;
  uwsgi_temp_path ${folder}/uwsgi; scgi_temp_path ${folder}/scgi;
  upstream kept { server 127.0.0.1:${forwardTo}; keepalive 8; }
  server {
    listen 127.0.0.1:${port};
    location / {
      proxy_pass http://kept;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_buffering off;
      proxy_request_buffering off;
    }
  }
}
`
}
