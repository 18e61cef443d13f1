import { vnc } from '../../src/plugins/vnc.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(vnc, {
  matches: [
    { name: '3.8', from: 'server', bytes: 'RFB 003.008\n', yesAfter: 12, facts: { protocolVersion: '3.8' } },
    { name: '3.3', from: 'client', bytes: 'RFB 003.003\n\x01', yesAfter: 12, facts: { protocolVersion: '3.3' } },
    { name: "Apple's", from: 'server', bytes: 'RFB 003.889\n', yesAfter: 12, facts: { protocolVersion: '3.889' } },
    { name: "RealVNC's", from: 'server', bytes: 'RFB 005.000\n', yesAfter: 12, facts: { protocolVersion: '5.0' } },
  ],
  nearMisses: [
    { name: 'lower case', from: 'server', bytes: 'rfb 003.008\n', rejectedAt: 0 },
    { name: 'no space', from: 'server', bytes: 'RFB-003.008\n', rejectedAt: 3 },
    { name: 'a short version', from: 'server', bytes: 'RFB 3.8\n', rejectedAt: 5 },
    { name: 'a letter', from: 'server', bytes: 'RFB 003.00a\n', rejectedAt: 10 },
    { name: 'a comma', from: 'client', bytes: 'RFB 003,008\n', rejectedAt: 7 },
    { name: 'a carriage return', from: 'client', bytes: 'RFB 003.008\r\n', rejectedAt: 11 },
    { name: 'a longer version', from: 'client', bytes: 'RFB 003.0080\n', rejectedAt: 11 },
  ],
  otherProtocols: [
    { name: 'SSH', from: 'server', bytes: 'SSH-2.0-a\r\n' },
    { name: 'HTTP', from: 'client', bytes: 'REPORT / HTTP/1.1\r\n' },
    { name: 'rsync', from: 'server', bytes: '@RSYNCD: 31.0\n' },
  ],
})
