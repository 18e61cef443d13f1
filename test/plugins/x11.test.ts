import { x11 } from '../../src/plugins/x11.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(x11, {
  matches: [
    { name: 'little-endian', from: 'client', bytes: 'l\0\x0b\0\0\0\0\0\0\0\0\0', yesAfter: 12 },
    { name: 'big-endian', from: 'client', bytes: 'B\0\0\x0b\0\0\0\0\0\0\0\0', yesAfter: 12 },
    { name: 'a cookie', from: 'client', bytes: 'l\0\x0b\0\0\0\x12\0\x10\0\0\0MIT-MAGIC-COOKIE-1\0\0', yesAfter: 12 },
    { name: 'what was in memory', from: 'client', bytes: 'B\xaa\0\x0b\0\0\0\x12\0\x10\xaa\xaaMIT', yesAfter: 12 },
  ],
  nearMisses: [
    { name: 'another byte order', from: 'client', bytes: 'L\0\x0b\0\0\0', rejectedAt: 0 },
    { name: 'version 10', from: 'client', bytes: 'l\0\x0a\0\0\0', rejectedAt: 2 },
    { name: 'a version in the other order', from: 'client', bytes: 'l\0\0\x0b\0\0', rejectedAt: 2 },
    { name: 'a big-endian version in the other order', from: 'client', bytes: 'B\0\x0b\0\0\0', rejectedAt: 2 },
    { name: 'version 11.1', from: 'client', bytes: 'l\0\x0b\0\x01\0', rejectedAt: 5 },
    { name: 'a name of 65 letters', from: 'client', bytes: 'l\0\x0b\0\0\0\x41\0', rejectedAt: 7 },
    { name: 'data past its bound', from: 'client', bytes: 'l\0\x0b\0\0\0\x12\0\0\x05', rejectedAt: 9 },
    { name: 'data without a name', from: 'client', bytes: 'l\0\x0b\0\0\0\0\0\x10\0', rejectedAt: 9 },
  ],
  otherProtocols: [
    { name: 'LHLO', from: 'client', bytes: 'lhlo client.example\r\n' },
    { name: 'HTTP', from: 'client', bytes: 'BIND /x HTTP/1.1\r\n\r\n' },
    { name: 'MongoDB', from: 'client', bytes: 'l\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0' },
  ],
})
