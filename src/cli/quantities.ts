const BYTE_UNITS = ['kB', 'MB', 'GB', 'TB'] as const
/** Smaller numbers are as easily read whole. */
const WHOLE_BYTES_BELOW = 10_000

const SECOND_MS = 1_000
const MINUTE_MS = 60_000
const HOUR_MS = 3_600_000

/** `78 B`, `90.1 kB`, `1.2 GB`: in thousands. */
export function formatBytes(bytes: number): string {
  if (bytes < WHOLE_BYTES_BELOW) return `${bytes} B`
  let value = bytes / 1000
  let unit = 0
  while (value >= 999.95 && unit < BYTE_UNITS.length - 1) {
    value /= 1000
    unit++
  }
  return `${value.toFixed(1)} ${BYTE_UNITS[unit]!}`
}

/** `0.2 ms`, `17 ms`, `8.1 s`, `5.0 min`, `1.5 h`. */
export function formatMs(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`
  if (ms < SECOND_MS - 0.5) return `${ms.toFixed(0)} ms`
  if (ms < MINUTE_MS - 50) return `${(ms / SECOND_MS).toFixed(1)} s`
  if (ms < HOUR_MS - 3_000) return `${(ms / MINUTE_MS).toFixed(1)} min`
  return `${(ms / HOUR_MS).toFixed(1)} h`
}

/** `1 connection`, `3 connections`. */
export function counted(count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}
