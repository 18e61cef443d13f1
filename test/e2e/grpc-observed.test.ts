import {
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  makeGenericClientConstructor,
  type sendUnaryData,
  Server,
  ServerCredentials,
  type ServerDuplexStream,
  type ServerReadableStream,
  type ServerUnaryCall,
  type ServerWritableStream,
  type ServiceError,
  status,
} from '@grpc/grpc-js'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { RequestRecord } from '../../src/http/request-record.js'
import type { Sluice } from '../../src/sluice.js'
import { oneWayOut } from '../support/one-way-out.js'
import { startListener } from '../support/start-sluice.js'

const asIs = (bytes: Buffer): Buffer => bytes
const method = (name: string, requestStream: boolean, responseStream: boolean) => ({
  path: `/test.Orders/${name}`,
  requestStream,
  responseStream,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
})
const service = {
  place: method('Place', false, false),
  upload: method('Upload', true, false),
  watch: method('Watch', false, true),
  talk: method('Talk', true, true),
  silent: method('Silent', false, false),
}

const Orders = makeGenericClientConstructor(service, 'Orders')
type Client = InstanceType<typeof Orders> & {
  place(message: Buffer, callback: sendUnaryData<Buffer>): ClientUnaryCall
  silent(message: Buffer, options: { deadline: number }, callback: sendUnaryData<Buffer>): ClientUnaryCall
  upload(callback: sendUnaryData<Buffer>): ClientWritableStream<Buffer>
  watch(message: Buffer): ClientReadableStream<Buffer>
  talk(): ClientDuplexStream<Buffer, Buffer>
}

/** `Place` with `fail N` ends with status N, without a message: a response that is trailers only. */
async function grpcServer(): Promise<number> {
  const server = new Server()
  server.addService(service, {
    place({ request }: ServerUnaryCall<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
      const code = /^fail (\d+)$/.exec(String(request))?.[1]
      if (code === undefined) callback(null, request)
      else callback({ code: Number(code), details: 'as asked' })
    },
    silent() {},
    upload(call: ServerReadableStream<Buffer, Buffer>, callback: sendUnaryData<Buffer>) {
      let count = 0
      call.on('data', () => count++).on('end', () => callback(null, Buffer.from(String(count))))
    },
    watch(call: ServerWritableStream<Buffer, Buffer>) {
      const [count, after] = String(call.request).split(' ')
      for (let i = 0; i < Number(count); i++) call.write(Buffer.alloc(i * 100))
      if (after === 'end') call.end()
      if (after === 'fail') call.emit('error', { code: status.DATA_LOSS, details: 'half of it' })
    },
    talk(call: ServerDuplexStream<Buffer, Buffer>) {
      call.on('data', (message: Buffer) => void (call.write(message), call.write(message))).on('end', () => call.end())
    },
  })
  const port = await new Promise<number>((resolve, reject) =>
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error ? reject(error) : resolve(bound),
    ),
  )
  onTestFinished(() => server.forceShutdown())
  return port
}

/** Calls through the default chain; `over` settles once the connection that carried them has closed. */
async function called(): Promise<{ sluice: Sluice; client: Client; over: () => Promise<void> }> {
  const { sluice, port, nextClose } = await oneWayOut(await grpcServer())
  const client = new Orders(`127.0.0.1:${port}`, credentials.createInsecure()) as Client
  onTestFinished(() => client.close())
  return {
    sluice,
    client,
    async over() {
      const closed = nextClose()
      client.close()
      await closed
      expect(sluice.metric('sluice_observer_dropped_total')).toBe(0)
      expect(sluice.metric('sluice_http_observer_stopped_total')).toBe(0)
      expect(sluice.metric('sluice_http_requests_in_flight')).toBe(0)
    },
  }
}

function answered(
  call: (callback: sendUnaryData<Buffer>) => unknown,
): Promise<{ code: number; message?: Buffer | undefined }> {
  return new Promise((resolve) => {
    call((error: Partial<ServiceError> | null, message) =>
      resolve({ code: error?.code ?? status.OK, message: message ?? undefined }),
    )
  })
}

/** Messages that came, and the status at the end. */
async function streamed(call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>) {
  let messages = 0
  call.on('data', () => messages++).on('error', () => {})
  const code = await statusOf(call)
  return { messages, code }
}

function statusOf(call: ClientReadableStream<Buffer> | ClientDuplexStream<Buffer, Buffer>): Promise<number> {
  return new Promise((resolve) => void call.on('status', ({ code }) => resolve(code)))
}

function calls(sluice: Sluice, grpcStatus: number): number {
  return sluice.metric('response_total', { status_code: '200', grpc_status: String(grpcStatus), error: '' })
}

const messages = (sluice: Sluice): [client: number, server: number] => [
  sluice.metric('sluice_grpc_messages_total', { from: 'client' }),
  sluice.metric('sluice_grpc_messages_total', { from: 'server' }),
]

describe('grpc-js through the default chain', () => {
  test('makes unary calls', async () => {
    const { sluice, client, over } = await called()
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, i) => answered((callback) => client.place(Buffer.alloc(i * 1000), callback))),
    )
    expect(all.map(({ code, message }) => [code, message?.length])).toEqual(all.map((_, i) => [0, i * 1000]))
    await over()
    expect([sluice.metric('request_total'), calls(sluice, 0), ...messages(sluice)]).toEqual([50, 50, 50, 50])
    // A message has five bytes before it.
    const bytes = Array.from({ length: 50 }, (_, i) => i * 1000 + 5).reduce((sum, length) => sum + length, 0)
    expect(sluice.metric('sluice_http_request_body_bytes_total')).toBe(bytes)
    expect(sluice.metric('sluice_http_response_body_bytes_total')).toBe(bytes)
  })

  test('streams from the client', async () => {
    const { sluice, client, over } = await called()
    const answer = await answered((callback) => {
      const call = client.upload(callback)
      for (let i = 0; i < 300; i++) call.write(Buffer.alloc(i))
      call.end()
    })
    expect([answer.code, String(answer.message)]).toEqual([0, '300'])
    await over()
    expect([calls(sluice, 0), ...messages(sluice)]).toEqual([1, 300, 1])
  })

  test('streams from the server', async () => {
    const { sluice, client, over } = await called()
    expect(await streamed(client.watch(Buffer.from('300 end')))).toEqual({ messages: 300, code: 0 })
    await over()
    expect([calls(sluice, 0), ...messages(sluice)]).toEqual([1, 1, 300])
  })

  test('streams both ways', async () => {
    const { sluice, client, over } = await called()
    const call = client.talk()
    const result = streamed(call)
    for (let i = 0; i < 100; i++) call.write(Buffer.alloc(i * 10))
    call.end()
    expect(await result).toEqual({ messages: 200, code: 0 })
    await over()
    expect([calls(sluice, 0), ...messages(sluice)]).toEqual([1, 100, 200])
  })

  test('is cancelled by the client', async () => {
    const { sluice, client, over } = await called()
    const call = client.watch(Buffer.from('3 wait'))
    let seen = 0
    call.on('data', () => ++seen === 3 && call.cancel()).on('error', () => {})
    const code = await statusOf(call)
    expect([code, seen]).toEqual([status.CANCELLED, 3])
    await over()
    expect(
      sluice.metric('response_total', { error: 'h2(CANCEL)', status_code: '200', classification: 'failure' }),
    ).toBe(1)
    expect([sluice.metric('response_total'), ...messages(sluice)]).toEqual([1, 1, 3])
  })

  test('runs out of time', async () => {
    const { sluice, client, over } = await called()
    const { code } = await answered((callback) =>
      client.silent(Buffer.alloc(1), { deadline: Date.now() + 100 }, callback),
    )
    expect(code).toBe(status.DEADLINE_EXCEEDED)
    await over()
    // The client gives up by itself, or the server, which knows the time too, says so first.
    const byClient = sluice.metric('response_total', { error: 'h2(CANCEL)' })
    const byServer = sluice.metric('response_total', { grpc_status: '4' })
    expect([byClient + byServer, sluice.metric('response_total', { classification: 'failure' })]).toEqual([1, 1])
  })

  test.each([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16])(
    'fails with status %i, trailers only',
    async (code) => {
      const { sluice, client, over } = await called()
      expect((await answered((callback) => client.place(Buffer.from(`fail ${code}`), callback))).code).toBe(code)
      await over()
      expect(calls(sluice, code)).toBe(1)
      const classification = [2, 4, 7, 13, 14, 15].includes(code) ? 'failure' : 'success'
      expect(sluice.metric('response_total', { classification })).toBe(1)
      expect(messages(sluice)).toEqual([1, 0])
    },
  )

  test('fails in the middle of a stream', async () => {
    const { sluice, client, over } = await called()
    const { code } = await streamed(client.watch(Buffer.from('5 fail')))
    expect(code).toBe(status.DATA_LOSS)
    await over()
    expect(calls(sluice, status.DATA_LOSS)).toBe(1)
  })

  test('has its service and method as labels, and a record, where that is asked for', async () => {
    const sluice = await startListener({
      destination: `127.0.0.1:${await grpcServer()}`,
      filters: ['detect', { 'http-metrics': { labels: { grpc: true } } }, 'tcp-forward'],
    })
    const records: RequestRecord[] = []
    sluice.on('request', (record) => void records.push(record))
    const client = new Orders(`127.0.0.1:${sluice.address('in').port}`, credentials.createInsecure()) as Client
    await answered((callback) => client.place(Buffer.from('one'), callback))
    const closed = sluice.nextClose('in')
    client.close()
    await closed
    const labels = { grpc_service: 'test.Orders', grpc_method: 'Place' }
    expect(sluice.metric('response_total', { ...labels, grpc_status: '0' })).toBe(1)
    expect(sluice.metric('sluice_grpc_messages_total', { ...labels, from: 'server' })).toBe(1)
    expect(records).toMatchObject([
      {
        protocol: 'grpc',
        method: 'POST',
        target: '/test.Orders/Place',
        userAgent: expect.stringContaining('grpc-node-js') as string,
        status: 200,
        grpcStatus: 0,
        bytes: { client: 8, server: 8 },
        messages: { client: 1, server: 1 },
      },
    ])
  })
})
