// Servers of the world outside, in one process: HTTP, HTTPS and gRPC (without TLS), and one that says who is talking to it.
//   node world.mjs HOST KEY CERTIFICATE NAME=PORT...     names: http, https, grpc, who
// Prints {"listening":true} when all listen, and a line for each connection that is over:
//   {"server":"http","peer":"10.77.1.2","read":78,"written":312}
import { Server as GrpcServer, ServerCredentials } from '@grpc/grpc-js'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { createServer as createHttpServer } from 'node:http'
import { createServer as createHttpsServer } from 'node:https'
import { connect, createServer } from 'node:net'
import { echo } from '../clients/echo-service.mjs'

const [host, key, certificate, ...ports] = process.argv.slice(2)

const answer = (request, response) => {
  const { method, url } = request
  request.resume().on('end', () => response.end(`${method} ${url} of ${request.socket.remoteAddress}\n`))
}

const starters = {
  http: () => createHttpServer(answer),
  https: () => createHttpsServer({ key: readFileSync(key), cert: readFileSync(certificate) }, answer),
  who: () => createServer((socket) => socket.on('error', () => {}).end(`${socket.remoteAddress}\n`)),
  grpc: (port) => grpcServer(port),
}

for (const [name, port] of ports.map((text) => text.split('='))) {
  const server = await starters[name](Number(port))
  if (server === undefined) continue
  server.on('connection', (socket) => {
    const peer = socket.remoteAddress
    socket.on('error', () => {})
    socket.on('close', () => {
      const { bytesRead: read, bytesWritten: written } = socket
      console.log(JSON.stringify({ server: name, peer, read, written }))
    })
  })
  server.listen({ host, port: Number(port) })
  await once(server, 'listening')
}
console.log(JSON.stringify({ listening: true }))

/** Its sockets are its own: a server before it counts. */
async function grpcServer(port) {
  const grpc = new GrpcServer()
  grpc.addService(echo, { Say: (call, callback) => callback(null, Buffer.from(`echo ${call.request}`)) })
  const inner = await new Promise((resolve, reject) =>
    grpc.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  return createServer((socket) => {
    const upstream = connect(inner, '127.0.0.1')
    socket.pipe(upstream).pipe(socket)
    upstream.on('error', () => socket.destroy())
    socket.on('error', () => upstream.destroy())
  })
}
