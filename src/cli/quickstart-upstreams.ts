import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer as createHttpServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { type AddressInfo, createServer as createTcpServer, type Server, type Socket } from 'node:net'

/** The servers that the quickstart is a proxy for, each on a port that nothing is named by. */
export interface QuickstartUpstreams {
  /** Plain HTTP/1.1. */
  readonly webPort: number
  /** The same over TLS, with the public test certificate. */
  readonly shopPort: number
  /** Greets first, as mail servers do. */
  readonly mailPort: number
  /** Ends them and all their connections. */
  close(): void
}

const LOOPBACK = '127.0.0.1'

/** Lines of `/slow`, and the pause before each. */
const SLOW_LINES = 5
const SLOW_LINE_MS = 500

/** RFC 5321 section 4.5.3.1.4: a command line with its CRLF. */
const MAX_COMMAND_BYTES = 512

/** Beside `dist` and `src`, also in the package. */
const CERTIFICATE_FOLDER = new URL('../../config/quickstart/', import.meta.url)

export async function startQuickstartUpstreams(): Promise<QuickstartUpstreams> {
  const [cert, key] = await Promise.all(
    ['tls-test.crt', 'tls-test.key'].map((name) => readFile(new URL(name, CERTIFICATE_FOLDER))),
  )
  const servers: Server[] = [
    createHttpServer(answerWeb),
    createHttpsServer({ cert, key }, answerWeb),
    createTcpServer(greet),
  ]
  const sockets = new Set<Socket>()
  for (const server of servers) server.on('connection', (socket: Socket) => keep(socket, sockets))
  const [webPort, shopPort, mailPort] = await Promise.all(servers.map(listen))
  const close = (): void => {
    for (const server of servers) server.close()
    for (const socket of sockets) socket.destroy()
  }
  return { webPort: webPort!, shopPort: shopPort!, mailPort: mailPort!, close }
}

async function listen(server: Server): Promise<number> {
  server.listen(0, LOOPBACK)
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

function keep(socket: Socket, sockets: Set<Socket>): void {
  sockets.add(socket)
  socket.once('close', () => sockets.delete(socket))
}

function answerWeb(request: IncomingMessage, response: ServerResponse): void {
  response.setHeader('content-type', 'text/plain; charset=utf-8')
  if (request.url === '/') {
    const body = `hello from the web server behind sluice: you asked for ${request.headers.host ?? 'no host'}\n`
    response.setHeader('content-length', Buffer.byteLength(body))
    response.end(body)
  } else if (request.url === '/chunked') {
    response.write('one chunk, ')
    response.end('and another\n')
  } else if (request.url === '/slow') {
    answerSlowly(response)
  } else {
    response.writeHead(404).end('there is /, /chunked and /slow\n')
  }
}

function answerSlowly(response: ServerResponse): void {
  let line = 0
  const timer = setInterval(() => {
    response.write(`line ${++line} of ${SLOW_LINES}\n`)
    if (line === SLOW_LINES) response.end()
  }, SLOW_LINE_MS)
  response.once('close', () => clearInterval(timer))
}

/** As much of SMTP (RFC 5321) as it takes to look like it: a greeting, EHLO and QUIT. */
function greet(socket: Socket): void {
  let pending = ''
  socket.setEncoding('latin1')
  socket.on('error', () => {})
  socket.write('220 quickstart.example ESMTP\r\n')
  socket.on('data', (text: string) => {
    const lines = (pending + text).split('\n')
    pending = lines.pop()!
    if (pending.length > MAX_COMMAND_BYTES) return void socket.destroy()
    for (const line of lines) answerCommand(socket, line.trim())
  })
}

function answerCommand(socket: Socket, line: string): void {
  const verb = line.split(' ', 1)[0]!.toUpperCase()
  if (!socket.writable) return
  if (verb === 'EHLO' || verb === 'HELO') socket.write('250 quickstart.example\r\n')
  else if (verb === 'QUIT') socket.end('221 quickstart.example bye\r\n')
  else socket.write('502 only EHLO and QUIT here\r\n')
}
