import fc from 'fast-check'
import { expect, test } from 'vitest'
import { GrpcMessages } from '../../src/http/grpc-messages.js'
import { grpcMessage } from '../support/http2-frames.js'

test('counts messages, however their bytes are cut, and none that is not complete', () => {
  fc.assert(
    fc.property(
      fc.array(fc.nat(300), { maxLength: 8 }),
      fc.array(fc.nat(1000), { maxLength: 20 }),
      fc.nat(1000),
      (lengths, cuts, end) => {
        const all = Buffer.concat(lengths.map(grpcMessage))
        const shown = Math.floor((all.length * end) / 1000)
        const edges = [...cuts.map((cut) => Math.floor((shown * cut) / 1000)), 0, shown].sort((a, b) => a - b)
        const messages = new GrpcMessages()
        for (let i = 1; i < edges.length; i++) {
          // In the middle of a chunk of other bytes, as a DATA frame is.
          const piece = all.subarray(edges[i - 1], edges[i])
          messages.see(Buffer.concat([Buffer.alloc(3, 0xff), piece, Buffer.alloc(2, 0xff)]), 3, 3 + piece.length)
        }
        let complete = 0
        for (let at = 0, i = 0; i < lengths.length && (at += 5 + lengths[i]!) <= shown; i++) complete++
        expect(messages.count).toBe(complete)
      },
    ),
    { seed: 6, numRuns: 2000 },
  )
})

test('reads a length of four bytes, most significant first', () => {
  const messages = new GrpcMessages()
  messages.see(Buffer.of(1, 0x01, 0x00, 0x00, 0x02), 0, 5)
  const piece = Buffer.alloc(0x10_0000)
  for (let i = 0; i < 16; i++) messages.see(piece, 0, piece.length)
  messages.see(piece, 0, 1)
  expect(messages.count).toBe(0)
  messages.see(piece, 0, 1)
  expect(messages.count).toBe(1)
})
