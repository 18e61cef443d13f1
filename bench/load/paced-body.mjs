import { createCipheriv, createHash } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'

const CHUNK_BYTES = 64 * 1024

/** AES-CTR of zeros, as good as random and the same for the same key; `note` hears each chunk. */
export function* keystream(bytes, key, note) {
  const cipher = createCipheriv('aes-128-ctr', Buffer.alloc(16, key), Buffer.alloc(16))
  const zeros = Buffer.alloc(CHUNK_BYTES)
  for (let left = bytes; left > 0; left -= CHUNK_BYTES) {
    const chunk = cipher.update(zeros.subarray(0, Math.min(left, CHUNK_BYTES)))
    note(chunk)
    yield chunk
  }
}

/** What has passed: `bytes` so far, and in the end the checksum of all. */
export class Tally {
  bytes = 0
  #hash = createHash('sha256')

  note(chunk) {
    this.bytes += chunk.length
    this.#hash.update(chunk)
  }

  checksum() {
    return this.#hash.copy().digest('hex')
  }
}

/** Reads a stream to its end: no more than `bytesPerSecond`, after `slowSeconds` as fast as it can. */
export async function readPaced(stream, tally, { bytesPerSecond, slowSeconds }) {
  const startedAt = performance.now()
  for await (const chunk of stream) {
    tally.note(chunk)
    const elapsedMs = performance.now() - startedAt
    if (elapsedMs >= slowSeconds * 1000) continue
    const aheadMs = (tally.bytes / bytesPerSecond) * 1000 - elapsedMs
    if (aheadMs > 0) await delay(Math.min(aheadMs, slowSeconds * 1000 - elapsedMs))
  }
}
