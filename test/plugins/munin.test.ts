import { munin } from '../../src/plugins/munin.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(munin, {
  matches: [
    { name: 'a node', from: 'server', bytes: '# munin node at db1\nlist', yesAfter: 20, facts: { host: 'db1' } },
    {
      name: 'the longest name',
      from: 'server',
      bytes: `# munin node at ${'a'.repeat(255)}\n`,
      yesAfter: 272,
      facts: { host: 'a'.repeat(255) },
    },
  ],
  nearMisses: [
    { name: 'no space', from: 'server', bytes: '#munin node at a\n', rejectedAt: 1 },
    { name: 'another word', from: 'server', bytes: '# munin master at a\n', rejectedAt: 8 },
    { name: 'no name', from: 'server', bytes: '# munin node at \n', rejectedAt: 16 },
    { name: 'two names', from: 'server', bytes: '# munin node at a b\n', rejectedAt: 17 },
    { name: 'a carriage return', from: 'server', bytes: '# munin node at a\r\n', rejectedAt: 17 },
    { name: 'a name past the bound', from: 'server', bytes: `# munin node at ${'a'.repeat(300)}\n`, rejectedAt: 271 },
    { name: 'an error', from: 'server', bytes: '# Unknown command.\n', rejectedAt: 2 },
  ],
  otherProtocols: [
    { name: 'IMAP', from: 'server', bytes: '* OK ready\r\n' },
    { name: 'SSH', from: 'server', bytes: 'SSH-2.0-a\r\n' },
  ],
})
