// Writes down what nginx and HAProxy do with each row of test/fixtures/smuggling/rows.json: the status that they answer with, and how
// many requests a server behind them gets. Needs both programs. Run it by hand, and look at what has changed.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const fixtures = new URL('../test/fixtures/smuggling/', import.meta.url)
const rows = JSON.parse(await readFile(new URL('rows.json', fixtures), 'utf8'))
/** `{{y*70000}}` stands for that many. */
const expand = (text) => text.replace(/\{\{(.)\*(\d+)\}\}/g, (_whole, char, count) => char.repeat(Number(count)))
const SMUGGLED = 'GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
/** Silence after which nothing more is expected. */
const SILENCE_MS = 250

const folder = await mkdtemp(join(tmpdir(), 'smuggling-'))
let heard = ''
const backend = createServer((socket) => {
  socket.on('error', () => socket.destroy())
  socket.on('data', (chunk) => {
    const text = chunk.toString('latin1')
    heard += text
    // One answer a head; bodies of the rows are short and come with it.
    for (const _head of text.match(/ HTTP\/1\.[01]\r\n/g) ?? [])
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  })
}).listen(0, '127.0.0.1')
await once(backend, 'listening')

const ports = { nginx: await freePort(), haproxy: await freePort() }
await writeFile(join(folder, 'nginx.conf'), nginxConfiguration())
await writeFile(join(folder, 'haproxy.cfg'), haproxyConfiguration())
const programs = [
  spawn('nginx', ['-p', folder, '-c', join(folder, 'nginx.conf'), '-e', 'stderr'], { stdio: 'ignore' }),
  spawn('haproxy', ['-db', '-f', join(folder, 'haproxy.cfg')], { stdio: 'ignore' }),
]
try {
  for (const port of Object.values(ports)) await accepts(port)
  const recorded = {}
  for (const { name, request: written } of rows) {
    const request = expand(written)
    recorded[name] = { nginx: await ask(ports.nginx, request), haproxy: await ask(ports.haproxy, request) }
  }
  await writeFile(new URL('recorded.json', fixtures), `${JSON.stringify(recorded, undefined, 1)}\n`)
} finally {
  for (const program of programs) program.kill()
  await Promise.all(programs.map((program) => program.exitCode === null && once(program, 'exit')))
  backend.close()
  backend.closeAllConnections?.()
  await rm(folder, { recursive: true })
}
process.exit(0)

/** The first status that is answered, 0 for none; and how many requests came through. */
async function ask(port, request) {
  heard = ''
  const socket = connect(port, '127.0.0.1')
  let text = ''
  let timer
  await new Promise((resolve) => {
    const wait = () => {
      clearTimeout(timer)
      timer = setTimeout(resolve, SILENCE_MS)
    }
    socket.on('data', (chunk) => {
      text += chunk.toString('latin1')
      wait()
    })
    socket.on('error', resolve)
    socket.on('close', resolve)
    socket.on('connect', () => socket.write(Buffer.from(request + SMUGGLED, 'latin1')))
    wait()
  })
  clearTimeout(timer)
  socket.destroy()
  const status = Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0)
  return { status, passed: heard.match(/ HTTP\/1\.[01]\r\n/g)?.length ?? 0 }
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function accepts(port) {
  for (let tries = 0; tries < 100; tries++) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise((resolve) =>
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false)),
    )
    socket.destroy()
    if (isOpen) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error(`nobody accepts on ${port}`)
}

function nginxConfiguration() {
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']
  return `
${process.getuid() === 0 ? 'user root;' : ''}
daemon off;
worker_processes 1;
pid ${folder}/nginx.pid;
error_log stderr crit;
events { worker_connections 64; }
http {
  access_log off;
  ${paths.map((path) => `${path}_temp_path ${folder}/${path};`).join(' ')}
  server {
    listen 127.0.0.1:${ports.nginx};
    location / { proxy_pass http://127.0.0.1:${backend.address().port}; proxy_http_version 1.1; proxy_request_buffering off; }
  }
}
`
}

function haproxyConfiguration() {
  return `
global
  maxconn 64
defaults
  mode http
  timeout connect 5s
  timeout client 5s
  timeout server 5s
listen web
  bind 127.0.0.1:${ports.haproxy}
  server backend 127.0.0.1:${backend.address().port}
`
}
