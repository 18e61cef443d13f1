import type { Plugin, Sniff } from '../../src/index.js'

const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0))
const GREETING = ascii('+HI {') // the server speaks first: github.com/contribsys/faktory/wiki/Worker-Lifecycle
const HELLO = ascii('HELLO {')

function startsWith(window: Uint8Array, prefix: Uint8Array): Sniff {
  for (let i = 0; i < prefix.length; i++) {
    if (i === window.length) return 'need-more'
    if (window[i] !== prefix[i]) return 'no-match'
  }
  return 'match'
}

const faktory = {
  protocol: 'faktory',
  maxBytes: HELLO.length,
  server: (window: Uint8Array) => startsWith(window, GREETING),
  client: (window: Uint8Array) => startsWith(window, HELLO),
  samples: { server: ['+HI {"v":2,"i":5,"s":"x"}\r\n'], client: ['HELLO {"v":2}\r\n'] },
}

export default { name: 'faktory', apiVersion: 1, sniffers: [faktory] } satisfies Plugin
