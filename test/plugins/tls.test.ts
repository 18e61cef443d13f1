import { tls } from '../../src/plugins/tls.js'
import { describeSniffer } from './describe-sniffer.js'

const [plain, named] = tls.samples.client as readonly [string, string]

describeSniffer(tls, {
  matches: [
    { name: 'a hello without extensions', from: 'client', bytes: plain, yesAfter: 6 },
    { name: 'SNI and ALPN', from: 'client', bytes: named, yesAfter: 6, facts: { sni: 'shop.example', alpn: ['h2'] } },
  ],
  nearMisses: [
    { name: 'an alert', from: 'client', bytes: '\x15\x03\x03\0\x02\x02\x28', rejectedAt: 0 },
    { name: 'application data', from: 'client', bytes: '\x17\x03\x03\0\x20', rejectedAt: 0 },
    { name: 'another major version', from: 'client', bytes: '\x16\x02\0\0\x40\x01', rejectedAt: 1 },
    { name: 'a minor version of no one', from: 'client', bytes: '\x16\x03\x05\0\x40\x01', rejectedAt: 2 },
    { name: 'a record above its bound', from: 'client', bytes: '\x16\x03\x01\x41\0\x01', rejectedAt: 3 },
    { name: 'an empty record', from: 'client', bytes: '\x16\x03\x01\0\0\x01', rejectedAt: 4 },
    { name: 'the hello of a server', from: 'client', bytes: '\x16\x03\x03\0\x40\x02', rejectedAt: 5 },
  ],
  otherProtocols: [
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n' },
    { name: 'RDP', from: 'client', bytes: '\x03\0\0\x13\x0e\xe0' },
    { name: 'SSH', from: 'client', bytes: 'SSH-2.0-x\r\n' },
  ],
})
