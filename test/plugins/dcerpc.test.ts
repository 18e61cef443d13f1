import { dcerpc } from '../../src/plugins/dcerpc.js'
import { describeSniffer } from './describe-sniffer.js'

const BIND = '\x05\0\x0b\x03\x10\0\0\0\x48\0\0\0\x01\0\0\0\xb8\x10\xb8\x10\0\0\0\0\x01\0\0\0\0\0\x01\0'
const BIG = '\x05\0\x0b\x03\0\0\0\0\0\x48\0\0\0\0\0\x01\x10\xb8\x10\xb8\0\0\0\0\x01\0\0\0\0\0\x01\0'
const ACK = '\x05\0\x0c\x03\x10\0\0\0\x3c\0\0\0\x01\0\0\0\xb8\x10\xb8\x10'

describeSniffer(dcerpc, {
  matches: [
    { name: 'a bind', from: 'client', bytes: BIND, yesAfter: 28 },
    { name: 'a big-endian bind', from: 'client', bytes: BIG, yesAfter: 28 },
    {
      name: 'a bind that authenticates and signs its header',
      from: 'client',
      bytes: BIND.replace('\x0b\x03', '\x0b\x07').replace('\x48\0\0\0', '\x74\0\x1b\0'),
      yesAfter: 28,
    },
    { name: 'bind_ack', from: 'server', bytes: ACK, yesAfter: 16 },
    { name: 'bind_nak', from: 'server', bytes: '\x05\0\x0d\x03\x10\0\0\0\x18\0\0\0\x01\0\0\0\x04\0', yesAfter: 16 },
  ],
  nearMisses: [
    { name: 'version 4', from: 'client', bytes: `\x04${BIND.slice(1)}`, rejectedAt: 0 },
    { name: 'SOCKS 5, with one method', from: 'client', bytes: '\x05\x01\0', rejectedAt: 1 },
    { name: 'a request', from: 'client', bytes: '\x05\0\0\x03\x10', rejectedAt: 2 },
    { name: 'a first fragment of several', from: 'client', bytes: '\x05\0\x0b\x01\x10', rejectedAt: 3 },
    { name: 'EBCDIC', from: 'client', bytes: '\x05\0\x0b\x03\x11', rejectedAt: 4 },
    { name: 'floats of another kind', from: 'client', bytes: '\x05\0\x0b\x03\x10\x01', rejectedAt: 5 },
    { name: 'a reserved byte', from: 'client', bytes: '\x05\0\x0b\x03\x10\0\0\x01', rejectedAt: 7 },
    { name: 'a fragment without a context', from: 'client', bytes: '\x05\0\x0b\x03\x10\0\0\0\x47\0', rejectedAt: 9 },
    {
      name: 'authentication past the fragment',
      from: 'client',
      bytes: '\x05\0\x0b\x03\x10\0\0\0\x48\0\x01\0',
      rejectedAt: 11,
    },
    { name: 'fragments of 1431 bytes', from: 'client', bytes: `${BIND.slice(0, 16)}\x97\x05`, rejectedAt: 17 },
    { name: 'no context', from: 'client', bytes: `${BIND.slice(0, 24)}\0`, rejectedAt: 24 },
    { name: 'a reserved byte of the contexts', from: 'client', bytes: `${BIND.slice(0, 25)}\0\0\x01`, rejectedAt: 27 },
    { name: 'bind_ack from the client', from: 'client', bytes: ACK, rejectedAt: 2 },
    { name: 'a bind from the server', from: 'server', bytes: BIND, rejectedAt: 2 },
    { name: 'an answer of 17 bytes', from: 'server', bytes: '\x05\0\x0d\x03\x10\0\0\0\x11\0', rejectedAt: 9 },
  ],
  otherProtocols: [
    { name: 'SOCKS 5, with two methods', from: 'client', bytes: '\x05\x02\0\x02' },
    { name: 'SOCKS 5', from: 'server', bytes: '\x05\xff' },
    { name: 'SMB', from: 'client', bytes: '\0\0\0\x66\xfeSMB\x40\0' },
  ],
})
