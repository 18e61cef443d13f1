import { nntp } from '../../src/plugins/nntp.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(nntp, {
  matches: [
    { name: 'INN', from: 'server', bytes: '200 a.example InterNetNews NNRP server INN 2.7.1\r\n', yesAfter: 27 },
    { name: 'Leafnode', from: 'server', bytes: '201 Leafnode NNTP daemon, version 1\r\n', yesAfter: 18 },
    { name: 'Leafnode as the first word', from: 'server', bytes: '200 Leafnode 1.11.7, hello\r\n', yesAfter: 28 },
    { name: 'the word in lower case', from: 'server', bytes: '200 a (nntp)\r\n', yesAfter: 12 },
    { name: 'no service', from: 'server', bytes: '400 a NNTP server full\r\n', yesAfter: 11 },
    { name: 'no access', from: 'server', bytes: '502 no NNRP for you\r\n', yesAfter: 12 },
    { name: 'MODE READER', from: 'client', bytes: 'MODE READER\r\n', yesAfter: 13 },
    { name: 'MODE STREAM in lower case', from: 'client', bytes: 'mode stream\n', yesAfter: 12 },
    { name: 'CAPABILITIES', from: 'client', bytes: 'CAPABILITIES\r\n', yesAfter: 14 },
    { name: 'CAPABILITIES with a word', from: 'client', bytes: 'CAPABILITIES AUTOUPDATE\r\n', yesAfter: 25 },
    { name: 'AUTHINFO', from: 'client', bytes: 'AUTHINFO USER a\r\n', yesAfter: 17 },
  ],
  nearMisses: [
    { name: 'a greeting that does not say', from: 'server', bytes: '200 welcome\r\n', rejectedAt: 12 },
    { name: 'a password server', from: 'server', bytes: '200 a poppassd v1.8 hello\r\n', rejectedAt: 26 },
    { name: 'a host that says', from: 'server', bytes: '200 nntp.a.example ready\r\n', rejectedAt: 25 },
    { name: 'several lines', from: 'server', bytes: '200-a NNTP\r\n', rejectedAt: 3 },
    { name: "FTP's code", from: 'server', bytes: '220 NNTP\r\n', rejectedAt: 1 },
    { name: 'another code', from: 'server', bytes: '202 NNTP\r\n', rejectedAt: 2 },
    { name: 'MODE of IRC', from: 'client', bytes: 'MODE #a\r\n', rejectedAt: 8 },
    { name: 'MODE of FTP', from: 'client', bytes: 'MODE S\r\n', rejectedAt: 7 },
    { name: 'MODE READER and more', from: 'client', bytes: 'MODE READER x\r\n', rejectedAt: 14 },
    { name: 'CAPABILITY of IMAP', from: 'client', bytes: 'CAPABILITY\r\n', rejectedAt: 9 },
    { name: 'AUTHINFO alone', from: 'client', bytes: 'AUTHINFO\r\n', rejectedAt: 9 },
    { name: 'a later command', from: 'client', bytes: 'ARTICLE 1\r\n', rejectedAt: 1 },
  ],
  otherProtocols: [
    { name: 'SMTP', from: 'server', bytes: '220 a ESMTP\r\n' },
    { name: 'HTTP', from: 'client', bytes: 'MOVE /a HTTP/1.1\r\n' },
    { name: 'Redis AUTH', from: 'client', bytes: 'AUTH a\r\n' },
  ],
})
