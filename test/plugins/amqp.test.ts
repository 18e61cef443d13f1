import { amqp } from '../../src/plugins/amqp.js'
import { describeSniffer } from './describe-sniffer.js'

const START = '\x01\0\0\0\0\x01\xfc\0\x0a\0\x0a\0\x09\0\0\x01\xd7'

describeSniffer(amqp, {
  matches: [
    { name: '0-9-1', from: 'client', bytes: 'AMQP\0\0\x09\x01', yesAfter: 8, facts: { version: '0-9-1' } },
    { name: '1.0', from: 'client', bytes: 'AMQP\0\x01\0\0', yesAfter: 8, facts: { version: '1.0' } },
    { name: '1.0 with TLS', from: 'client', bytes: 'AMQP\x02\x01\0\0', yesAfter: 8, facts: { version: '1.0' } },
    { name: '1.0 with SASL', from: 'client', bytes: 'AMQP\x03\x01\0\0\0\0', yesAfter: 8, facts: { version: '1.0' } },
    { name: '0-8', from: 'client', bytes: 'AMQP\x01\x01\x08\0', yesAfter: 8, facts: { version: '0-8' } },
    {
      name: '0-8 as written in its text',
      from: 'client',
      bytes: 'AMQP\x01\x01\x09\x01',
      yesAfter: 8,
      facts: { version: '0-8' },
    },
    { name: '0-9', from: 'client', bytes: 'AMQP\x01\x01\0\x09', yesAfter: 8, facts: { version: '0-9' } },
    { name: '0-10', from: 'client', bytes: 'AMQP\x01\x01\0\x0a', yesAfter: 8, facts: { version: '0-10' } },
    {
      name: 'the version that it has instead',
      from: 'server',
      bytes: 'AMQP\0\0\x09\x01',
      yesAfter: 8,
      facts: { version: '0-9-1' },
    },
    { name: 'Connection.Start of 0-9-1', from: 'server', bytes: START, yesAfter: 13 },
    {
      name: 'Connection.Start of 0-8',
      from: 'server',
      bytes: '\x01\0\0\0\0\x01\xfc\0\x0a\0\x0a\x08\0\0',
      yesAfter: 13,
    },
  ],
  nearMisses: [
    { name: 'a version that there is not', from: 'client', bytes: 'AMQP\0\0\x09\x02', rejectedAt: 7 },
    { name: 'a protocol id that there is not', from: 'client', bytes: 'AMQP\x04\x01\0\0', rejectedAt: 4 },
    { name: '1.1', from: 'client', bytes: 'AMQP\0\x01\x01\0', rejectedAt: 6 },
    { name: 'lower case', from: 'client', bytes: 'amqp\0\0\x09\x01', rejectedAt: 0 },
    { name: 'a text that begins so', from: 'client', bytes: 'AMQP 0-9-1\r\n', rejectedAt: 4 },
    { name: 'Connection.Start from the client', from: 'client', bytes: START, rejectedAt: 0 },
    { name: 'a header frame', from: 'server', bytes: `\x02${START.slice(1)}`, rejectedAt: 0 },
    { name: 'a channel of its own', from: 'server', bytes: '\x01\0\x01\0\0\x01\xfc\0\x0a\0\x0a\0\x09', rejectedAt: 2 },
    { name: 'a start of 64 KiB', from: 'server', bytes: '\x01\0\0\0\x01\0\0\0\x0a\0\x0a\0\x09', rejectedAt: 4 },
    { name: 'a start without strings', from: 'server', bytes: '\x01\0\0\0\0\0\x0a\0\x0a\0\x0a\0\x09', rejectedAt: 6 },
    { name: 'Connection.Secure', from: 'server', bytes: '\x01\0\0\0\0\x01\xfc\0\x0a\0\x14\0\x09', rejectedAt: 10 },
    { name: 'a start of version 1.0', from: 'server', bytes: '\x01\0\0\0\0\x01\xfc\0\x0a\0\x0a\x01\0', rejectedAt: 11 },
    {
      name: 'a start of version 0.10',
      from: 'server',
      bytes: '\x01\0\0\0\0\x01\xfc\0\x0a\0\x0a\0\x0a',
      rejectedAt: 12,
    },
  ],
  otherProtocols: [
    { name: 'MQTT', from: 'client', bytes: '\x10\x0c\0\x04MQTT\x04\x02\0\x3c\0\0' },
    { name: 'HTTP', from: 'client', bytes: 'AMEND / HTTP/1.1\r\n' },
    { name: 'a WireFormatInfo of OpenWire', from: 'server', bytes: '\0\0\0\xd9\x01ActiveMQ\0\0\0\x06' },
  ],
})
