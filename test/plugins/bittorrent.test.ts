import { bittorrent } from '../../src/plugins/bittorrent.js'
import { describeSniffer } from './describe-sniffer.js'

const NAME = '\x13BitTorrent protocol'
const head = `${NAME}\0\0\0\0\0\x10\0\x05${'h'.repeat(20)}`

describeSniffer(bittorrent, {
  matches: [
    {
      name: 'Transmission',
      from: 'client',
      bytes: `${head}-TR2940-abcdefghijkl`,
      yesAfter: 20,
      facts: { software: 'TR2940' },
    },
    {
      name: 'what a server says',
      from: 'server',
      bytes: `${head}-lt0D80-abcdefghijkl`,
      yesAfter: 20,
      facts: { software: 'lt0D80' },
    },
    { name: 'a peer id of another style', from: 'client', bytes: `${head}M7-10-1--abcdefghijk`, yesAfter: 20 },
    { name: 'a peer id with a control', from: 'client', bytes: `${head}-T\x1b2940-abcdefghijkl`, yesAfter: 20 },
    { name: 'a peer id without its second hyphen', from: 'client', bytes: `${head}-TR29401abcdefghijkl`, yesAfter: 20 },
  ],
  nearMisses: [
    { name: 'a length of 20', from: 'client', bytes: '\x14BitTorrent protocol2', rejectedAt: 0 },
    { name: 'lower case', from: 'client', bytes: '\x13bitTorrent protocol', rejectedAt: 1 },
    { name: 'no space', from: 'client', bytes: '\x13BitTorrent-protocol', rejectedAt: 11 },
    { name: 'another word', from: 'client', bytes: '\x13BitTorrent protocal', rejectedAt: 18 },
    { name: 'no length', from: 'server', bytes: 'BitTorrent protocol', rejectedAt: 0 },
    { name: 'BTSync', from: 'server', bytes: '\x13BitTorrent Sync    ', rejectedAt: 12 },
  ],
  otherProtocols: [
    { name: 'a tracker', from: 'client', bytes: 'GET /announce?info_hash=%aa HTTP/1.0\r\n' },
    { name: 'BGP', from: 'server', bytes: '\xff\xff\xff\xff\xff\xff\xff\xff' },
  ],
})
