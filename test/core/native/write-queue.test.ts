import { describe, expect, test } from 'vitest'
import { WriteQueue } from '../../../src/core/native/write-queue.js'
import { READ_BUFFER_BYTES } from '../../../src/core/read-buffer.js'
import { seededRandom } from '../../support/seeded-random.js'

/** All that is in it, by pieces of at most so many bytes. */
function drain(queue: WriteQueue, most: () => number): Buffer {
  const left: Buffer[] = []
  while (queue.length > 0) {
    const piece = queue.first.subarray(0, Math.max(1, most()))
    left.push(Buffer.from(piece))
    queue.shift(piece.length)
  }
  return Buffer.concat(left)
}

describe('bytes that the kernel did not take', () => {
  test('leave in their order, however they came and leave', () => {
    const next = seededRandom(20261126)
    const random = (below: number): number => Math.floor(next() * below)
    const sizes = [1, 100, 16 * 1024 - 1, 16 * 1024, 100_000, READ_BUFFER_BYTES, READ_BUFFER_BYTES + 1, 400_000]
    for (let round = 0; round < 200; round++) {
      const queue = new WriteQueue()
      const came: Buffer[] = []
      for (let i = 0; i < 8; i++) {
        const chunk = Buffer.alloc(sizes[random(sizes.length)]!, round * 8 + i)
        queue.push(chunk)
        came.push(Buffer.from(chunk))
        // It is the caller's again.
        chunk.fill(0)
        expect(queue.length).toBe(came.reduce((sum, { length }) => sum + length, 0))
      }
      const isEqual = drain(queue, () => random(200_000)).equals(Buffer.concat(came))
      expect(isEqual).toBe(true)
    }
  })

  test('share no memory with those of another queue', () => {
    const [one, other] = [new WriteQueue(), new WriteQueue()]
    one.push(Buffer.alloc(READ_BUFFER_BYTES, 'a'))
    drain(one, () => READ_BUFFER_BYTES)
    // The block that `one` has given back is what one of these gets.
    one.push(Buffer.alloc(READ_BUFFER_BYTES, 'b'))
    other.push(Buffer.alloc(READ_BUFFER_BYTES, 'c'))
    one.push(Buffer.from('b'))
    expect(drain(one, () => 1 << 20).equals(Buffer.alloc(READ_BUFFER_BYTES + 1, 'b'))).toBe(true)
    expect(drain(other, () => 1 << 20).equals(Buffer.alloc(READ_BUFFER_BYTES, 'c'))).toBe(true)
  })

  test('are gone when it is cleared', () => {
    const queue = new WriteQueue()
    queue.push(Buffer.alloc(300_000))
    queue.clear()
    expect(queue.length).toBe(0)
    queue.push(Buffer.from('next'))
    expect(drain(queue, () => 10).toString()).toBe('next')
  })
})
