import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/** Bytes of the heap that are in use when all garbage is gone. */
export function heapBytesAfterCollection(): number {
  setFlagsFromString('--expose_gc')
  const collect = runInNewContext('gc') as () => void
  setFlagsFromString('--no-expose_gc')
  // What a finalizer or weak reference lets go is collected by the next.
  for (let i = 0; i < 3; i++) collect()
  return process.memoryUsage().heapUsed
}
