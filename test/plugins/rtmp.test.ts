import { rtmp } from '../../src/plugins/rtmp.js'
import { describeSniffer } from './describe-sniffer.js'

const TIME = '\0\x12\xd6\x87'
const rest = 'r'.repeat(1528)

describeSniffer(rtmp, {
  matches: [
    { name: 'zeros, as specified', from: 'client', bytes: `\x03${TIME}\0\0\0\0${rest}`, yesAfter: 1537 },
    { name: 'FFmpeg', from: 'client', bytes: `\x03\0\0\0\0\x09\0\x7c\x02${rest}`, yesAfter: 1537 },
    { name: 'a player with a digest', from: 'client', bytes: `\x03${TIME}\x80\0\x07\x02${rest}more`, yesAfter: 1537 },
    {
      name: 'a client 5 ms after its first minute',
      from: 'client',
      bytes: `\x03\0\x01\0\x05\0\0\0\0${rest}`,
      yesAfter: 1537,
    },
  ],
  nearMisses: [
    { name: 'encrypted RTMP', from: 'client', bytes: `\x06${TIME}\0\0\0\0${rest}`, rejectedAt: 0 },
    { name: 'version 2', from: 'client', bytes: `\x02${TIME}\0\0\0\0${rest}`, rejectedAt: 0 },
    { name: 'a player before 9', from: 'client', bytes: `\x03${TIME}\x08\0\x7c\x02${rest}`, rejectedAt: 5 },
    { name: 'a player after 32', from: 'client', bytes: `\x03${TIME}\x21\0\x7c\x02${rest}`, rejectedAt: 5 },
    {
      name: 'a player with a minor version',
      from: 'client',
      bytes: `\x03${TIME}\x09\x01\x7c\x02${rest}`,
      rejectedAt: 6,
    },
    { name: 'three zeros and one', from: 'client', bytes: `\x03${TIME}\0\0\0\x01${rest}`, rejectedAt: 8 },
    { name: 'two zeros and one', from: 'client', bytes: `\x03${TIME}\0\0\x01\0${rest}`, rejectedAt: 7 },
    { name: 'a player of another platform', from: 'client', bytes: `\x03${TIME}\x09\0\x7c\x03${rest}`, rejectedAt: 8 },
    { name: 'OPTIONS of Cassandra 3', from: 'client', bytes: '\x03\0\0\x07\x05\0\0\0\0', rejectedAt: 8 },
  ],
  otherProtocols: [
    { name: 'RDP', from: 'client', bytes: '\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x03\0\0\0' },
    { name: 'S7', from: 'client', bytes: '\x03\0\0\x16\x11\xe0\0\0\0\x01\0\xc1\x02\x01\0' },
    { name: 'Q.931 in TPKT', from: 'client', bytes: '\x03\0\0\xd0\x08\x02\x1c\x54\x05' },
    { name: 'STARTUP of Cassandra 3', from: 'client', bytes: '\x03\0\0\0\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION' },
  ],
})
