import { bgp } from '../../src/plugins/bgp.js'
import { describeSniffer } from './describe-sniffer.js'

const MARKER = '\xff'.repeat(16)
const OPEN = `${MARKER}\0\x1d\x01\x04\xfd\xe9\0\xf0\xc0\0\x02\x01\0`

describeSniffer(bgp, {
  matches: [
    { name: 'OPEN', from: 'client', bytes: OPEN, yesAfter: 29 },
    { name: 'OPEN', from: 'server', bytes: OPEN, yesAfter: 29 },
    {
      name: 'OPEN with parameters',
      from: 'client',
      bytes: `${MARKER}\0\x25\x01\x04\xfd\xe9\0\0\xc0\0\x02\x01\x08\x02\x06\x01\x04\0\x01\0\x01`,
      yesAfter: 29,
    },
    {
      name: 'OPEN with long parameters',
      from: 'client',
      bytes: `${MARKER}\x02\0\x01\x04\xfd\xe9\0\xf0\xc0\0\x02\x01\xff\xff\x01\xe0`,
      yesAfter: 29,
    },
  ],
  nearMisses: [
    { name: 'a marker of another byte', from: 'client', bytes: `${'\xff'.repeat(15)}\xfe\0\x1d`, rejectedAt: 15 },
    { name: 'a message of 28 bytes', from: 'client', bytes: `${MARKER}\0\x1c\x01`, rejectedAt: 17 },
    { name: 'a message past 4096 bytes', from: 'client', bytes: `${MARKER}\x10\x01\x01`, rejectedAt: 17 },
    { name: 'KEEPALIVE first', from: 'client', bytes: `${MARKER}\0\x1d\x04`, rejectedAt: 18 },
    { name: 'BGP-3', from: 'client', bytes: `${MARKER}\0\x1d\x01\x03`, rejectedAt: 19 },
    {
      name: 'a hold time of two seconds',
      from: 'client',
      bytes: `${MARKER}\0\x1d\x01\x04\xfd\xe9\0\x02`,
      rejectedAt: 23,
    },
    { name: 'parameters past the message', from: 'client', bytes: `${OPEN.slice(0, 28)}\x01`, rejectedAt: 28 },
    { name: 'nothing but ones', from: 'server', bytes: '\xff'.repeat(40), rejectedAt: 16 },
  ],
  otherProtocols: [
    { name: 'Telnet', from: 'server', bytes: '\xff\xfd\x18\xff\xfd\x20' },
    { name: 'ZeroMQ', from: 'client', bytes: '\xff\0\0\0\0\0\0\0\x01\x7f' },
  ],
})
