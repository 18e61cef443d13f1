import { openwire } from '../../src/plugins/openwire.js'
import { describeSniffer } from './describe-sniffer.js'

const INFO = '\0\0\0\xd9\x01ActiveMQ\0\0\0\x0c\x01'

describeSniffer(openwire, {
  matches: [
    { name: 'WireFormatInfo', from: 'server', bytes: INFO, yesAfter: 17, facts: { version: '12' } },
    { name: 'WireFormatInfo', from: 'client', bytes: INFO, yesAfter: 17, facts: { version: '12' } },
    {
      name: 'version 1, alone',
      from: 'client',
      bytes: '\0\0\0\x0e\x01ActiveMQ\0\0\0\x01\0',
      yesAfter: 17,
      facts: { version: '1' },
    },
  ],
  nearMisses: [
    { name: 'too short a size', from: 'server', bytes: '\0\0\0\x0d\x01ActiveMQ\0\0\0\x0c', rejectedAt: 3 },
    { name: 'a size of 64 KiB', from: 'server', bytes: '\0\x01\0\0\x01ActiveMQ\0\0\0\x0c', rejectedAt: 1 },
    { name: 'another command', from: 'server', bytes: '\0\0\0\xd9\x02ActiveMQ\0\0\0\x0c', rejectedAt: 4 },
    { name: 'no size, as inside WebSocket', from: 'client', bytes: '\x01ActiveMQ\0\0\0\x0c', rejectedAt: 0 },
    { name: 'another magic', from: 'client', bytes: '\0\0\0\xd9\x01ActiveMX\0\0\0\x0c', rejectedAt: 12 },
    { name: 'version 0', from: 'client', bytes: '\0\0\0\xd9\x01ActiveMQ\0\0\0\0', rejectedAt: 16 },
    { name: 'version 256', from: 'client', bytes: '\0\0\0\xd9\x01ActiveMQ\0\0\x01\0', rejectedAt: 15 },
  ],
  otherProtocols: [
    { name: 'Kafka', from: 'client', bytes: '\0\0\0\x0e\0\x12\0\x02\0\0\0\0\0\x04shop' },
    { name: 'Connection.Start of AMQP', from: 'server', bytes: '\x01\0\0\0\0\x01\xfc\0\x0a\0\x0a\0\x09' },
    { name: 'a greeting of MySQL', from: 'server', bytes: '\x4a\0\0\0\x0a8.0.35\0' },
  ],
})
