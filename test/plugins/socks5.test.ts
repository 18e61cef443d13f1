import { expect, test } from 'vitest'
import { Detection, SnifferPlan } from '../../src/core/detection.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { mongodb } from '../../src/plugins/mongodb.js'
import { orderSniffers } from '../../src/core/order-sniffers.js'
import { socks5 } from '../../src/plugins/socks5.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

describeSniffer(socks5, {
  matches: [
    { name: 'no authentication', from: 'client', bytes: '\x05\x01\0', yesAfter: 3 },
    { name: 'user and password alone', from: 'client', bytes: '\x05\x01\x02', yesAfter: 3 },
    { name: 'what curl offers', from: 'client', bytes: '\x05\x02\0\x01', yesAfter: 4 },
    { name: 'what curl offers with a user', from: 'client', bytes: '\x05\x03\0\x01\x02', yesAfter: 5 },
    { name: 'all that IANA has', from: 'client', bytes: '\x05\x09\0\x01\x02\x03\x05\x06\x07\x08\x09', yesAfter: 11 },
    { name: 'a private method', from: 'client', bytes: '\x05\x02\0\x80', yesAfter: 4 },
    {
      name: 'a request that does not wait',
      from: 'client',
      bytes: '\x05\x01\0\x05\x01\0\x01\xc0\0\x02\x01\0\x50',
      yesAfter: 3,
    },
  ],
  nearMisses: [
    { name: 'version 6', from: 'client', bytes: '\x06\x01\0', rejectedAt: 0 },
    { name: 'no methods', from: 'client', bytes: '\x05\0\0', rejectedAt: 1 },
    { name: 'more methods than there are', from: 'client', bytes: '\x05\x11\0', rejectedAt: 1 },
    { name: 'a method twice', from: 'client', bytes: '\x05\x02\0\0', rejectedAt: 3 },
    { name: 'a method that nobody was given', from: 'client', bytes: '\x05\x02\0\x04', rejectedAt: 3 },
    { name: 'a method that IANA has not assigned', from: 'client', bytes: '\x05\x02\0\x0a', rejectedAt: 3 },
    { name: 'what servers say to all of them', from: 'client', bytes: '\x05\x02\0\xff', rejectedAt: 3 },
    { name: 'a private method alone', from: 'client', bytes: '\x05\x01\x80', rejectedAt: 2 },
    { name: 'CHAP alone', from: 'client', bytes: '\x05\x01\x03', rejectedAt: 2 },
  ],
  otherProtocols: [
    { name: 'SOCKS 4', from: 'client', bytes: '\x04\x01\0\x50\xc0\0\x02\x01\0' },
    { name: 'OPTIONS of Cassandra 5', from: 'client', bytes: '\x05\0\0\0\x05\0\0\0\0' },
    { name: 'OPTIONS of a Cassandra 5 in beta', from: 'client', bytes: '\x05\x10\0\0\x05\0\0\0\0' },
    { name: 'DCE/RPC', from: 'client', bytes: '\x05\0\x0b\x03\x10\0\0\0' },
    { name: 'a MongoDB message of 517 bytes', from: 'client', bytes: '\x05\x02\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0' },
  ],
})

const LENGTH_261 = `\x05\x01\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0\0\0\0\0\0\xf0\0\0\0\x10hello\0`
const plan = new SnifferPlan([mongodb, socks5], () => {})

test('leaves a MongoDB message of 261 bytes to MongoDB, wherever it is cut', () => {
  const bytes = latin1(LENGTH_261)
  for (let cut = 1; cut <= bytes.length; cut++) {
    const detection = new Detection(plan)
    detection.look('client', bytes.subarray(0, cut))
    detection.look('client', bytes)
    expect(detection.protocol, `cut at ${cut}`).toBe('mongodb')
  }
})

test('has a client that offers no authentication when it waits no longer, or says the next thing', () => {
  const waiting = new Detection(plan)
  waiting.look('client', latin1('\x05\x01\0'))
  expect(waiting.protocol).toBeUndefined()
  waiting.settle('client')
  expect(waiting.protocol).toBe('socks5')

  const going = new Detection(plan)
  going.look('client', latin1('\x05\x01\0'))
  going.look('client', latin1('\x05\x01\0\x05'))
  expect(going.protocol).toBe('socks5')
})

test.each(['\x05\x02\0\x01', '\x05\x03\0\x01\x02'])('names what curl offers at once, among all: %j', (bytes) => {
  const detection = new Detection(new SnifferPlan(orderSniffers(builtInSniffers).ordered!, () => {}))
  detection.look('client', latin1(bytes))
  expect(detection.protocol).toBe('socks5')
})
