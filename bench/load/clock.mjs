/** Microseconds of a clock that never goes back and that is the same in every thread, as `performance.now` is not. */
export function nowMicros() {
  return Number(process.hrtime.bigint()) / 1000
}
