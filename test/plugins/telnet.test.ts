import { telnet } from '../../src/plugins/telnet.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(telnet, {
  matches: [
    { name: 'DO TERMINAL TYPE', from: 'server', bytes: '\xff\xfd\x18\xff\xfd\x20', yesAfter: 3 },
    { name: 'WILL ECHO', from: 'server', bytes: '\xff\xfb\x01login: ', yesAfter: 3 },
    { name: 'DO TN3270E', from: 'server', bytes: '\xff\xfd\x28', yesAfter: 3 },
    { name: 'the last option in a row', from: 'server', bytes: '\xff\xfd\x31', yesAfter: 3 },
    { name: 'an option of a later row', from: 'server', bytes: '\xff\xfd\x8a', yesAfter: 3 },
    { name: 'the extended list', from: 'client', bytes: '\xff\xfb\xff', yesAfter: 3 },
    { name: 'WILL NAWS', from: 'client', bytes: '\xff\xfb\x1f\xff\xfa\x1f', yesAfter: 3 },
    { name: 'WONT and WILL', from: 'client', bytes: '\xff\xfc\x25\xff\xfb\x18', yesAfter: 6 },
    { name: 'DONT and WONT', from: 'client', bytes: '\xff\xfe\x26\xff\xfc\x25', yesAfter: 6 },
  ],
  nearMisses: [
    { name: 'a subnegotiation', from: 'server', bytes: '\xff\xfa\x18\x01\xff\xf0', rejectedAt: 1 },
    { name: 'a no-operation', from: 'server', bytes: '\xff\xf1\xff\xf1', rejectedAt: 1 },
    { name: 'an unknown option', from: 'server', bytes: '\xff\xfd\x32', rejectedAt: 2 },
    { name: 'an unknown option between', from: 'server', bytes: '\xff\xfd\x89', rejectedAt: 2 },
    { name: 'an option past the later row', from: 'server', bytes: '\xff\xfb\x8d', rejectedAt: 2 },
    { name: 'MPEG audio', from: 'server', bytes: '\xff\xfb\x90\x44', rejectedAt: 2 },
    { name: 'UTF-16', from: 'server', bytes: '\xff\xfe<\0h\0', rejectedAt: 2 },
    { name: 'UTF-16 that begins a line', from: 'client', bytes: '\xff\xfe\r\0\n\0', rejectedAt: 3 },
    { name: 'JPEG', from: 'client', bytes: '\xff\xd8\xff\xe0', rejectedAt: 1 },
    { name: 'WONT and text', from: 'client', bytes: '\xff\xfc\x01hello', rejectedAt: 3 },
    { name: 'WONT and another command', from: 'client', bytes: '\xff\xfc\x01\xff\xf1', rejectedAt: 4 },
    { name: 'WONT and an unknown option', from: 'client', bytes: '\xff\xfc\x01\xff\xfb\x50', rejectedAt: 5 },
  ],
  otherProtocols: [
    { name: 'a bare prompt', from: 'server', bytes: 'login: ' },
    { name: 'MySQL', from: 'server', bytes: '\x4a\0\0\0\x0a8.0' },
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n' },
    { name: 'SSH', from: 'server', bytes: 'SSH-2.0-a\r\n' },
  ],
})
