import type { Plugin, Sniff } from 'sluice'

const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))
const ASTERISK = 0x2a
const BULK = ascii('\r\n$') // what follows the count of a command's words: redis.io/docs/latest/develop/reference/protocol-spec
const MAX_DIGITS = 7 // Redis takes no command of more than 1,048,576 words

function startsWith(window: Uint8Array, prefix: Uint8Array): Sniff {
  for (let i = 0; i < prefix.length; i++) {
    if (i === window.length) return 'need-more'
    if (window[i] !== prefix[i]) return 'no-match'
  }
  return 'match'
}

const isDigit = (byte: number | undefined) => byte !== undefined && byte >= 0x30 && byte <= 0x39

/** A command, as all Redis clients send it: `*<words>\r\n$<length of the first word>\r\n...` */
function client(window: Uint8Array): Sniff {
  if (window.length > 0 && window[0] !== ASTERISK) return 'no-match'
  let end = 1
  while (end <= MAX_DIGITS && isDigit(window[end])) end++
  if (end === 1 && window.length > 1) return 'no-match'
  return startsWith(window.subarray(end), BULK)
}

const redis = {
  protocol: 'redis',
  maxBytes: 1 + MAX_DIGITS + BULK.length,
  client,
  samples: { client: ['*1\r\n$4\r\nPING\r\n', '*2\r\n$7\r\nCOMMAND\r\n$4\r\nDOCS\r\n'] },
}

export default { name: 'redis', apiVersion: 1, sniffers: [redis] } satisfies Plugin
