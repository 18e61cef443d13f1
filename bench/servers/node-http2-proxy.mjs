/** A proxy written on node:http2, as one would: a stream of its own for each stream, headers and trailers carried over. Arguments: PORT ORIGIN. */
import { connect, constants, createServer } from 'node:http2'

const [port, origin] = process.argv.slice(2).map(Number)
const { HTTP2_HEADER_STATUS, NGHTTP2_CANCEL } = constants

createServer()
  .on('session', (session) => {
    const upstream = connect(`http://127.0.0.1:${origin}`)
    upstream.on('error', () => session.destroy())
    session.on('error', () => upstream.destroy())
    session.on('close', () => upstream.close())
    session.on('stream', (stream, headers) => carry(upstream, stream, headers))
  })
  .listen(port, '127.0.0.1')

function carry(upstream, stream, headers) {
  const request = upstream.request(headers)
  let trailers
  stream.on('error', () => request.close(NGHTTP2_CANCEL))
  request.on('error', () => stream.close(NGHTTP2_CANCEL))
  request.on('response', (response) => {
    stream.respond({ [HTTP2_HEADER_STATUS]: response[HTTP2_HEADER_STATUS], ...response }, { waitForTrailers: true })
    request.pipe(stream)
  })
  request.on('trailers', (fields) => (trailers = fields))
  stream.on('wantTrailers', () => (trailers ? stream.sendTrailers(trailers) : stream.close()))
  stream.pipe(request)
}
