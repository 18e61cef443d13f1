import type { RandomSource } from './random-source.js'

/** Longest piece of random bytes: enough to get past any header. */
const MAX_RANDOM_BYTES = 64
const TEXT = ` \t\r\n.:/-"{}*$+0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz`

/** One input made from samples, or from nothing: what a law must also hold for. */
export function generateWindow(samples: readonly Uint8Array[], random: RandomSource): Uint8Array {
  const sample = samples.length === 0 ? new Uint8Array(0) : random.pick(samples)
  const at = random.integer(sample.length + 1)
  const head = sample.subarray(0, at)
  const tail = sample.subarray(at)
  switch (random.integer(7)) {
    case 0:
      return randomBytes(random)
    case 1:
      return randomText(random)
    case 2: // One byte is another.
      return join(head, Uint8Array.of(random.byte()), tail.subarray(1))
    case 3: // One byte is missing, or there twice.
      return random.integer(2) === 0 ? join(head, tail.subarray(1)) : join(head, tail.subarray(0, 1), tail)
    case 4: // Goes on as something else.
      return join(head, random.integer(2) === 0 ? randomBytes(random) : randomText(random))
    case 5: // Goes on behind its end.
      return join(sample, randomBytes(random), sample)
    default: // Goes on as another sample.
      return join(head, samples.length === 0 ? head : random.pick(samples).subarray(at))
  }
}

/** Bytes that fill a window: the same one over and over, or a piece over and over. */
export function stretch(head: Uint8Array, filler: Uint8Array, length: number): Uint8Array {
  const bytes = new Uint8Array(Math.max(length, head.length))
  bytes.set(head)
  for (let at = head.length; at < bytes.length; at++) bytes[at] = filler[(at - head.length) % filler.length]!
  return bytes
}

function randomBytes(random: RandomSource): Uint8Array {
  return random.bytes(random.integer(MAX_RANDOM_BYTES + 1))
}

function randomText(random: RandomSource): Uint8Array {
  const length = random.integer(MAX_RANDOM_BYTES + 1)
  return Uint8Array.from({ length }, () => TEXT.charCodeAt(random.integer(TEXT.length)))
}

function join(...parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0))
  let at = 0
  for (const part of parts) {
    bytes.set(part, at)
    at += part.length
  }
  return bytes
}
