import { READ_BUFFER_BYTES } from './read-buffer.js'

/** 4 MiB: what more slow readers wait with is left to the garbage collector. */
const MAX_SPARE_BLOCKS = 32

/** With each write that a slow reader holds up, a fresh one would come; tens of megabytes of them before they were collected. */
const spare: Uint8Array[] = []

/** As many bytes as one read may bring, for what the kernel does not take at once. What is in them is not looked at. */
export function takeBlock(): Uint8Array {
  return spare.pop() ?? Buffer.allocUnsafeSlow(READ_BUFFER_BYTES)
}

/** Nobody writes from it any more: the next that is asked for. */
export function giveBlockBack(block: Uint8Array): void {
  if (spare.length < MAX_SPARE_BLOCKS) spare.push(block)
}
