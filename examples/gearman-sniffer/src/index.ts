import type { Plugin, Sniff } from 'sluice'

// A packet: magic(4) type(4) size(4), big-endian: gearman.org/protocol, "Binary Packet"
const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))
const REQUEST = ascii('\0REQ\0\0\0') // with the three high bytes of the type, which are zero
const RESPONSE = ascii('\0RES\0\0\0')
const LAST_TYPE = 42

function startsWith(window: Uint8Array, prefix: Uint8Array): Sniff {
  for (let i = 0; i < prefix.length; i++) {
    if (i === window.length) return 'need-more'
    if (window[i] !== prefix[i]) return 'no-match'
  }
  return 'match'
}

function sniffPacket(window: Uint8Array, start: Uint8Array): Sniff {
  const verdict = startsWith(window, start)
  if (verdict !== 'match') return verdict
  const type = window[start.length]
  if (type === undefined) return 'need-more'
  return type >= 1 && type <= LAST_TYPE ? 'match' : 'no-match'
}

const gearman = {
  protocol: 'gearman',
  maxBytes: REQUEST.length + 1,
  client: (window: Uint8Array) => sniffPacket(window, REQUEST),
  server: (window: Uint8Array) => sniffPacket(window, RESPONSE),
  samples: {
    client: ['\0REQ\0\0\0\x01\0\0\0\x07reverse', '\0REQ\0\0\0\x10\0\0\0\x02hi'],
    server: ['\0RES\0\0\0\x08\0\0\0\x08H:host:1'],
  },
}

export default { name: 'gearman', apiVersion: 1, sniffers: [gearman] } satisfies Plugin
