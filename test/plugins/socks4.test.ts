import { socks4 } from '../../src/plugins/socks4.js'
import { describeSniffer } from './describe-sniffer.js'

const ADDRESS = '\xc0\0\x02\x01'
const long = 'u'.repeat(255)

describeSniffer(socks4, {
  matches: [
    { name: 'CONNECT', from: 'client', bytes: `\x04\x01\0\x50${ADDRESS}\0`, yesAfter: 9, facts: { host: '192.0.2.1' } },
    {
      name: 'CONNECT of a user',
      from: 'client',
      bytes: `\x04\x01\0\x50${ADDRESS}joe user\0more`,
      yesAfter: 17,
      facts: { host: '192.0.2.1', user: 'joe user' },
    },
    {
      name: 'BIND to any port',
      from: 'client',
      bytes: `\x04\x02\0\0${ADDRESS}\0`,
      yesAfter: 9,
      facts: { host: '192.0.2.1' },
    },
    {
      name: 'a domain, SOCKS 4a',
      from: 'client',
      bytes: '\x04\x01\x01\xbb\0\0\0\x01\0Shop.example\0',
      yesAfter: 22,
      facts: { host: 'shop.example' },
    },
    {
      name: 'the longest user and domain',
      from: 'client',
      bytes: `\x04\x01\x01\xbb\0\0\0\xff${long}\0${long}\0`,
      yesAfter: 520,
      facts: { host: long, user: long },
    },
  ],
  nearMisses: [
    { name: 'version 3', from: 'client', bytes: `\x03\x01\0\x50${ADDRESS}\0`, rejectedAt: 0 },
    { name: 'a command of no one', from: 'client', bytes: `\x04\x03\0\x50${ADDRESS}\0`, rejectedAt: 1 },
    { name: 'a connection to port 0', from: 'client', bytes: `\x04\x01\0\0${ADDRESS}\0`, rejectedAt: 3 },
    { name: 'an address in 0.0.0.0/8', from: 'client', bytes: '\x04\x01\0\x50\0\x01\x02\x03\0', rejectedAt: 5 },
    { name: 'an address in 0.0.0.0/16', from: 'client', bytes: '\x04\x01\0\x50\0\0\x02\x03\0', rejectedAt: 6 },
    { name: 'no address', from: 'client', bytes: '\x04\x01\0\x50\0\0\0\0\0', rejectedAt: 7 },
    { name: 'a control in the user', from: 'client', bytes: `\x04\x01\0\x50${ADDRESS}jo\x01e\0`, rejectedAt: 10 },
    { name: 'a user past its bound', from: 'client', bytes: `\x04\x01\0\x50${ADDRESS}${long}u\0`, rejectedAt: 263 },
    { name: 'an empty domain', from: 'client', bytes: '\x04\x01\0\x50\0\0\0\x01\0\0', rejectedAt: 9 },
    { name: 'a space in the domain', from: 'client', bytes: '\x04\x01\0\x50\0\0\0\x01\0a b\0', rejectedAt: 10 },
    { name: 'a domain past its bound', from: 'client', bytes: `\x04\x01\0\x50\0\0\0\x01\0${long}d\0`, rejectedAt: 264 },
  ],
  otherProtocols: [
    { name: 'OPTIONS of Cassandra 4', from: 'client', bytes: '\x04\0\0\0\x05\0\0\0\0' },
    {
      name: 'STARTUP of Cassandra 4, traced',
      from: 'client',
      bytes: '\x04\x02\0\x01\x01\0\0\0\x16\0\x01\0\x0bCQL_VERSION\0\x053.0.0',
    },
    { name: 'SOCKS 5', from: 'client', bytes: '\x05\x01\0' },
    { name: 'TPKT', from: 'client', bytes: '\x03\0\0\x13\x0e\xe0' },
    { name: 'MongoDB', from: 'client', bytes: '\x04\x01\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0' },
  ],
})
