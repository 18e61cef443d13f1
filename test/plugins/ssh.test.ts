import { ssh } from '../../src/plugins/ssh.js'
import { describeSniffer } from './describe-sniffer.js'

const facts = (software: string) => ({ software })

describeSniffer(ssh, {
  matches: [
    { name: 'OpenSSH', from: 'client', bytes: 'SSH-2.0-OpenSSH_9.6\r\n', yesAfter: 8, facts: facts('OpenSSH_9.6') },
    {
      name: 'a comment',
      from: 'server',
      bytes: 'SSH-2.0-OpenSSH_9.2p1 Debian-2\r\n',
      yesAfter: 8,
      facts: facts('OpenSSH_9.2p1'),
    },
    {
      name: 'a hyphen in the name',
      from: 'server',
      bytes: 'SSH-1.99-Cisco-1.25\n',
      yesAfter: 9,
      facts: facts('Cisco-1.25'),
    },
    { name: 'an old client', from: 'client', bytes: 'SSH-1.5-OpenSSH_6.6\n', yesAfter: 8, facts: facts('OpenSSH_6.6') },
    { name: 'padding', from: 'client', bytes: 'SSH-2.0-x\0\0\0\0', yesAfter: 8, facts: facts('x') },
    { name: 'no software', from: 'server', bytes: 'SSH-2.0-\r\n', yesAfter: 8 },
    { name: 'a line past its bound', from: 'server', bytes: `SSH-2.0-${'x'.repeat(300)}`, yesAfter: 8 },
  ],
  nearMisses: [
    { name: 'a later protocol', from: 'client', bytes: 'SSH-3.0-x\r\n', rejectedAt: 4 },
    { name: 'version 2.1', from: 'client', bytes: 'SSH-2.1-x\r\n', rejectedAt: 6 },
    { name: 'version 1.3', from: 'server', bytes: 'SSH-1.3-x\r\n', rejectedAt: 6 },
    { name: 'version 1.9', from: 'server', bytes: 'SSH-1.9-x\r\n', rejectedAt: 7 },
    { name: 'no hyphen behind the version', from: 'server', bytes: 'SSH-2.0 x\r\n', rejectedAt: 7 },
    { name: 'lower case', from: 'client', bytes: 'ssh-2.0-x\r\n', rejectedAt: 0 },
    { name: 'an underscore', from: 'server', bytes: 'SSH_2.0-x\r\n', rejectedAt: 3 },
    { name: 'a line before it', from: 'server', bytes: 'Welcome\r\nSSH-2.0-x\r\n', rejectedAt: 0 },
    { name: 'an empty line before it', from: 'client', bytes: '\r\nSSH-2.0-x\r\n', rejectedAt: 0 },
  ],
  otherProtocols: [
    { name: 'SIP', from: 'client', bytes: 'SUBSCRIBE sip:a@b SIP/2.0\r\n' },
    { name: 'STOMP', from: 'client', bytes: 'SEND\n\n\0' },
    { name: 'VNC', from: 'server', bytes: 'RFB 003.008\n' },
    { name: 'FTP', from: 'server', bytes: '220 ready\r\n' },
  ],
})
