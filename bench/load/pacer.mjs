/**
 * Keeps the time for `paced-client.mjs` in a thread of its own. A message `{ firstMicros, everyMicros, count }` is answered with an empty
 * one each time that one is due. Timers of Node know whole milliseconds, so that requests would come in twos and threes. A thread that
 * may block is woken 0.1 to 0.2 ms late, mostly by the same, and leaves the core to the origin meanwhile, as one that spins does not.
 */
import { parentPort } from 'node:worker_threads'

import { nowMicros } from './clock.mjs'

/** Nobody changes it: a wait for it ends when its time is over. */
const never = new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT))

parentPort.on('message', ({ firstMicros, everyMicros, count }) => {
  for (let i = 0; i < count; i++) {
    sleepUntil(firstMicros + i * everyMicros)
    parentPort.postMessage(undefined)
  }
})

function sleepUntil(dueMicros) {
  for (let left; (left = dueMicros - nowMicros()) > 0;) Atomics.wait(never, 0, 0, left / 1000)
}
