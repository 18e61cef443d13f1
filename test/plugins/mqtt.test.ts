import { expect, test } from 'vitest'
import { mqtt } from '../../src/plugins/mqtt.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

describeSniffer(mqtt, {
  matches: [
    {
      name: '3.1.1',
      from: 'client',
      bytes: '\x10\x13\0\x04MQTT\x04\x02\0\x3c\0\x07meter-1',
      yesAfter: 10,
      facts: { version: '3.1.1', clientId: 'meter-1' },
    },
    {
      name: '3.1',
      from: 'client',
      bytes: '\x10\x15\0\x06MQIsdp\x03\x02\0\x3c\0\x07meter-1',
      yesAfter: 12,
      facts: { version: '3.1', clientId: 'meter-1' },
    },
    {
      name: '5 with properties',
      from: 'client',
      bytes: '\x10\x1c\0\x04MQTT\x05\x02\0\x3c\x08\x11\0\0\0\x3c\x21\0\x14\0\x07meter-1',
      yesAfter: 10,
      facts: { version: '5', clientId: 'meter-1' },
    },
    {
      name: '5 with a password and no user name',
      from: 'client',
      bytes: '\x10\x11\0\x04MQTT\x05\x42\0\x3c\0\0\0\0\x02pw',
      yesAfter: 10,
      facts: { version: '5' },
    },
    {
      name: 'a bridge, which marks its version',
      from: 'client',
      bytes: '\x10\x0e\0\x04MQTT\x84\x2e\0\x3c\0\x02br',
      yesAfter: 10,
      facts: { version: '3.1.1', clientId: 'br' },
    },
    {
      name: 'a will, a user and a password',
      from: 'client',
      bytes: '\x10\x0c\0\x04MQTT\x04\xf6\0\x3c\0\0',
      yesAfter: 10,
      facts: { version: '3.1.1' },
    },
    {
      name: 'a length of two bytes',
      from: 'client',
      bytes: '\x10\xc9\x01\0\x04MQTT\x04\x02\0\x3c\0\x02m1',
      yesAfter: 11,
      facts: { version: '3.1.1', clientId: 'm1' },
    },
    {
      name: 'a client id that ends behind its packet',
      from: 'client',
      bytes: '\x10\x0d\0\x04MQTT\x04\x02\0\x3c\0\x07meter-1',
      yesAfter: 10,
      facts: { version: '3.1.1' },
    },
    {
      name: 'a client id that no terminal should show',
      from: 'client',
      bytes: '\x10\x0f\0\x04MQTT\x04\x02\0\x3c\0\x03a\x1bb',
      yesAfter: 10,
      facts: { version: '3.1.1' },
    },
  ],
  nearMisses: [
    { name: 'flags of the packet', from: 'client', bytes: '\x11\x0c\0\x04MQTT\x04\x02\0\x3c\0\0', rejectedAt: 0 },
    { name: 'CONNACK', from: 'client', bytes: '\x20\x02\0\0', rejectedAt: 0 },
    { name: 'too short a packet', from: 'client', bytes: '\x10\x0b\0\x04MQTT\x04\x02\0\x3c\0', rejectedAt: 1 },
    { name: 'a length of five bytes', from: 'client', bytes: '\x10\x8c\x80\x80\x80\x01\0\x04MQTT', rejectedAt: 4 },
    { name: 'a length with a byte too many', from: 'client', bytes: '\x10\x8c\0\0\x04MQTT\x04', rejectedAt: 2 },
    { name: 'another name', from: 'client', bytes: '\x10\x0c\0\x04MQTX\x04\x02\0\x3c\0\0', rejectedAt: 7 },
    { name: 'a name of another length', from: 'client', bytes: '\x10\x0c\0\x05MQTT\x04\x02\0\x3c\0\0', rejectedAt: 3 },
    { name: 'level 3 by the name MQTT', from: 'client', bytes: '\x10\x0c\0\x04MQTT\x03\x02\0\x3c\0\0', rejectedAt: 8 },
    { name: 'level 6', from: 'client', bytes: '\x10\x0c\0\x04MQTT\x06\x02\0\x3c\0\0', rejectedAt: 8 },
    { name: 'a bridge of version 5', from: 'client', bytes: '\x10\x0d\0\x04MQTT\x85\x02\0\x3c\0\0\0', rejectedAt: 8 },
    { name: 'level 4 of MQIsdp', from: 'client', bytes: '\x10\x0e\0\x06MQIsdp\x04\x02\0\x3c\0\0', rejectedAt: 10 },
    { name: 'the reserved flag', from: 'client', bytes: '\x10\x0c\0\x04MQTT\x04\x03\0\x3c\0\0', rejectedAt: 9 },
    { name: 'a QoS of 3', from: 'client', bytes: '\x10\x0c\0\x04MQTT\x04\x1e\0\x3c\0\0', rejectedAt: 9 },
    {
      name: "a will's QoS without a will",
      from: 'client',
      bytes: '\x10\x0c\0\x04MQTT\x04\x0a\0\x3c\0\0',
      rejectedAt: 9,
    },
    { name: 'a password without a user', from: 'client', bytes: '\x10\x0c\0\x04MQTT\x04\x42\0\x3c\0\0', rejectedAt: 9 },
  ],
  otherProtocols: [
    { name: 'AMQP', from: 'client', bytes: 'AMQP\0\0\x09\x01' },
    { name: 'Kafka', from: 'client', bytes: '\0\0\0\x0e\0\x12\0\x02\0\0\0\0\0\x04shop' },
  ],
})

test('is sure of the name while the client id is on its way', () => {
  const bytes = latin1('\x10\x13\0\x04MQTT\x04\x02\0\x3c\0\x07meter-1')
  for (let length = 10; length < bytes.length; length++) expect(mqtt.client!(bytes.subarray(0, length))).toBe('sure')
})

test('does not wait for a client id behind properties that are too long', () => {
  const bytes = latin1('\x10\xff\x7f\0\x04MQTT\x05\x02\0\x3c\xff\x10')
  expect(mqtt.client!(bytes)).toEqual({ facts: { version: '5' } })
})
