import { javaRmi } from '../../src/plugins/java-rmi.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(javaRmi, {
  matches: [
    { name: 'a stream', from: 'client', bytes: 'JRMI\0\x02\x4b', yesAfter: 7 },
    { name: 'a single operation', from: 'client', bytes: 'JRMI\0\x02\x4c\x50', yesAfter: 7 },
    { name: 'version 1', from: 'client', bytes: 'JRMI\0\x01\x4d', yesAfter: 7 },
    { name: 'the acknowledgement', from: 'server', bytes: '\x4e\0\x09127.0.0.1\0\0\xc3\x50', yesAfter: 14 },
    { name: 'an IPv6 address', from: 'server', bytes: '\x4e\0\x032::\0\0\x01\x02', yesAfter: 8 },
  ],
  nearMisses: [
    { name: 'other letters', from: 'client', bytes: 'JRMP\0\x02\x4b', rejectedAt: 3 },
    { name: 'lower case', from: 'client', bytes: 'jrmi\0\x02\x4b', rejectedAt: 0 },
    { name: 'text', from: 'client', bytes: 'JRMI / HTTP/1.1\r\n', rejectedAt: 4 },
    { name: 'version 0', from: 'client', bytes: 'JRMI\0\0\x4b', rejectedAt: 5 },
    { name: 'version 3', from: 'client', bytes: 'JRMI\0\x03\x4b', rejectedAt: 5 },
    { name: 'another protocol', from: 'client', bytes: 'JRMI\0\x02\x4e', rejectedAt: 6 },
    { name: 'protocol not supported', from: 'server', bytes: '\x4f', rejectedAt: 0 },
    { name: 'a host of 256 bytes', from: 'server', bytes: '\x4e\x01\0', rejectedAt: 1 },
    { name: 'no host', from: 'server', bytes: '\x4e\0\0\0\0\0\0', rejectedAt: 2 },
    { name: 'a host past its bound', from: 'server', bytes: '\x4e\0\x41', rejectedAt: 2 },
    { name: 'a control in the host', from: 'server', bytes: '\x4e\0\x0312\n', rejectedAt: 5 },
    { name: 'a port past 65535', from: 'server', bytes: '\x4e\0\x03123\0\x01\0\0', rejectedAt: 7 },
  ],
  otherProtocols: [
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n\r\n' },
    { name: 'a Java object', from: 'client', bytes: '\xac\xed\0\x05\x73\x72' },
    { name: 'NNTP', from: 'server', bytes: '200 news ready\r\n' },
  ],
})
