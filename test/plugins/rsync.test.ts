import { rsync } from '../../src/plugins/rsync.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(rsync, {
  matches: [
    {
      name: 'a version and digests',
      from: 'server',
      bytes: '@RSYNCD: 31.0 md5 md4\n',
      yesAfter: 14,
      facts: { protocolVersion: '31.0' },
    },
    { name: 'a version', from: 'client', bytes: '@RSYNCD: 30.0\n', yesAfter: 14, facts: { protocolVersion: '30.0' } },
    { name: 'an old version', from: 'server', bytes: '@RSYNCD: 29\n', yesAfter: 12, facts: { protocolVersion: '29' } },
  ],
  nearMisses: [
    { name: 'lower case', from: 'server', bytes: '@rsyncd: 31.0\n', rejectedAt: 1 },
    { name: 'no space', from: 'server', bytes: '@RSYNCD:31.0\n', rejectedAt: 8 },
    { name: 'no version', from: 'server', bytes: '@RSYNCD: OK\n', rejectedAt: 9 },
    { name: 'the end', from: 'server', bytes: '@RSYNCD: EXIT\n', rejectedAt: 9 },
    { name: 'no subprotocol', from: 'client', bytes: '@RSYNCD: 31.\n', rejectedAt: 12 },
    { name: 'two dots', from: 'client', bytes: '@RSYNCD: 3.1.0\n', rejectedAt: 12 },
    { name: 'a carriage return', from: 'client', bytes: '@RSYNCD: 31.0\r\n', rejectedAt: 13 },
    { name: 'too many digits', from: 'client', bytes: '@RSYNCD: 123456789\n', rejectedAt: 17 },
    { name: 'an error', from: 'server', bytes: '@ERROR: no\n', rejectedAt: 1 },
  ],
  otherProtocols: [
    { name: 'VNC', from: 'server', bytes: 'RFB 003.008\n' },
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n' },
    { name: 'SSH', from: 'client', bytes: 'SSH-2.0-a\r\n' },
  ],
})
