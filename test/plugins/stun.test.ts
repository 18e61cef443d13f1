import { stun } from '../../src/plugins/stun.js'
import { describeSniffer } from './describe-sniffer.js'

const COOKIE = '\x21\x12\xa4\x42'

describeSniffer(stun, {
  matches: [
    { name: 'Binding', from: 'client', bytes: `\0\x01\0\0${COOKIE}abcdefghijkl`, yesAfter: 8 },
    { name: 'Allocate', from: 'client', bytes: `\0\x03\x07\xfc${COOKIE}`, yesAfter: 8 },
    { name: 'ConnectionBind', from: 'client', bytes: `\0\x0b\0\x08${COOKIE}`, yesAfter: 8 },
    { name: 'an answer to Binding', from: 'server', bytes: `\x01\x01\0\x0c${COOKIE}`, yesAfter: 8 },
    { name: 'an error of Allocate', from: 'server', bytes: `\x01\x13\0\x74${COOKIE}`, yesAfter: 8 },
    { name: 'an error of ConnectionBind', from: 'server', bytes: `\x01\x1b\0\x74${COOKIE}`, yesAfter: 8 },
  ],
  nearMisses: [
    { name: 'an answer', from: 'client', bytes: `\x01\x01\0\0${COOKIE}`, rejectedAt: 0 },
    { name: 'an indication', from: 'client', bytes: `\0\x11\0\0${COOKIE}`, rejectedAt: 1 },
    { name: 'a method that does not come first', from: 'client', bytes: `\0\x09\0\0${COOKIE}`, rejectedAt: 1 },
    { name: 'a long message', from: 'client', bytes: `\0\x01\x08\0${COOKIE}`, rejectedAt: 2 },
    { name: 'a length of three', from: 'client', bytes: `\0\x01\0\x03${COOKIE}`, rejectedAt: 3 },
    { name: 'no cookie', from: 'client', bytes: '\0\x01\0\0abcd', rejectedAt: 4 },
    { name: 'half a cookie', from: 'client', bytes: '\0\x01\0\0\x21\x12\xa4\x43', rejectedAt: 7 },
    { name: 'a request', from: 'server', bytes: `\0\x01\0\0${COOKIE}`, rejectedAt: 0 },
    { name: 'an answer to Refresh', from: 'server', bytes: `\x01\x04\0\0${COOKIE}`, rejectedAt: 1 },
  ],
  otherProtocols: [
    { name: 'PostgreSQL', from: 'client', bytes: '\0\0\0\x08\x04\xd2\x16\x2f' },
    { name: 'Kafka', from: 'client', bytes: '\0\0\0\x2a\0\x12\0\0' },
    { name: 'STUN in the frame of ICE', from: 'client', bytes: `\0\x1c\0\x01\0\x08${COOKIE}` },
  ],
})
