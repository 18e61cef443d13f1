import { isPrintable } from './ascii.js'

/** More than tells two protocols apart, and still a line. */
const MAX_SHOWN = 24

/** First bytes for a message: in hex, then as text with a dot for what is not printable. `48 45 4c 4c 4f 0d "HELLO."` */
export function showBytes(bytes: Uint8Array): string {
  const shown = [...bytes.subarray(0, MAX_SHOWN)]
  const hex = shown.map((byte) => byte.toString(16).padStart(2, '0')).join(' ')
  const text = shown.map((byte) => (isPrintable(byte) ? String.fromCharCode(byte) : '.')).join('')
  const rest = bytes.length > MAX_SHOWN ? ` and ${bytes.length - MAX_SHOWN} more` : ''
  return `${hex} "${text}"${rest}`
}
