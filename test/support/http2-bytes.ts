import { Duplex } from 'node:stream'
import { connect, createServer, type Http2Session, type ServerHttp2Session, type Settings } from 'node:http2'

/** The bytes that a real client and a real server of `node:http2` say, in their order. */
export interface RecordedHttp2 {
  readonly segments: { readonly from: 'client' | 'server'; readonly data: Buffer }[]
  readonly client: ReturnType<typeof connect>
  readonly server: ReturnType<typeof createServer>
  close(): Promise<void>
}

/** A client and a server in one process, joined by two streams that keep what passes. */
export function recordHttp2(settings: { client?: Settings; server?: Settings } = {}): RecordedHttp2 {
  const segments: RecordedHttp2['segments'] = []
  const [clientEnd, serverEnd] = duplexPair((from, data) => segments.push({ from, data: Buffer.from(data) }))
  const server = createServer({ settings: settings.server ?? {} })
  const sessions: ServerHttp2Session[] = []
  server.on('session', (session) => sessions.push(session))
  server.emit('connection', serverEnd)
  const client = connect('http://test.example', {
    createConnection: () => clientEnd,
    settings: settings.client ?? {},
  })
  const ended = (session: Http2Session): Promise<void> =>
    session.destroyed ? Promise.resolve() : new Promise((resolve) => session.once('close', resolve))
  return {
    segments,
    client,
    server,
    async close() {
      client.close()
      await ended(client)
      for (const session of sessions) session.destroy()
      server.close()
    },
  }
}

function duplexPair(keep: (from: 'client' | 'server', data: Buffer) => void): [Duplex, Duplex] {
  const ends: Duplex[] = []
  const end = (index: number): Duplex =>
    new Duplex({
      read() {},
      write(data: Buffer, _encoding, done) {
        keep(index === 0 ? 'client' : 'server', data)
        ends[1 - index]!.push(data)
        done()
      },
      final(done) {
        ends[1 - index]!.push(null)
        done()
      },
    })
  ends.push(end(0), end(1))
  return [ends[0]!, ends[1]!]
}
