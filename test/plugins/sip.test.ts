import type { Facts } from '../../src/core/sniffer.js'
import { sip } from '../../src/plugins/sip.js'
import { describeSniffer } from './describe-sniffer.js'

const facts = (method: string, host?: string): Facts => (host === undefined ? { method } : { method, host })

describeSniffer(sip, {
  matches: [
    {
      name: 'INVITE',
      from: 'client',
      bytes: 'INVITE sip:bob@Example.com SIP/2.0\r\n',
      yesAfter: 34,
      facts: facts('INVITE', 'example.com'),
    },
    {
      name: 'REGISTER with parameters and headers',
      from: 'client',
      bytes: 'REGISTER sips:[2001:DB8::1]:5061;transport=tcp?a=b SIP/2.0\r\n',
      yesAfter: 58,
      facts: facts('REGISTER', '[2001:db8::1]'),
    },
    {
      name: 'a user with password and parameters',
      from: 'client',
      bytes: 'OPTIONS sip:bob;x=1:secret@192.0.2.1:5060;lr SIP/2.0\r\n',
      yesAfter: 52,
      facts: facts('OPTIONS', '192.0.2.1'),
    },
    { name: 'a number', from: 'client', bytes: 'INVITE tel:+1-201 SIP/2.0\r\n', yesAfter: 25, facts: facts('INVITE') },
    {
      name: 'a host that is none',
      from: 'client',
      bytes: 'INFO sip:a@b~c SIP/2.0\r\n',
      yesAfter: 22,
      facts: facts('INFO'),
    },
    { name: 'Trying', from: 'server', bytes: 'SIP/2.0 100 Trying\r\n', yesAfter: 12 },
    { name: 'Decline', from: 'server', bytes: 'SIP/2.0 603 Decline\r\n', yesAfter: 12 },
  ],
  nearMisses: [
    { name: 'a method of no one', from: 'client', bytes: 'INVIDE sip:a@b SIP/2.0\r\n', rejectedAt: 4 },
    { name: 'a method in lower case', from: 'client', bytes: 'invite sip:a@b SIP/2.0\r\n', rejectedAt: 0 },
    { name: 'an asterisk', from: 'client', bytes: 'OPTIONS * SIP/2.0\r\n', rejectedAt: 8 },
    { name: 'a scheme of mail', from: 'client', bytes: 'INVITE mailto:a@b SIP/2.0\r\n', rejectedAt: 7 },
    { name: 'a scheme without colon', from: 'client', bytes: 'INVITE sipa@b SIP/2.0\r\n', rejectedAt: 10 },
    { name: 'a scheme and nothing else', from: 'client', bytes: 'INVITE sip: SIP/2.0\r\n', rejectedAt: 11 },
    { name: 'version 1', from: 'client', bytes: 'INVITE sip:a@b SIP/1.0\r\n', rejectedAt: 19 },
    { name: 'HTTP with a target of SIP', from: 'client', bytes: 'OPTIONS sip:a@b HTTP/1.1\r\n', rejectedAt: 16 },
    { name: 'no version', from: 'client', bytes: 'INVITE sip:a@b\r\n', rejectedAt: 14 },
    { name: 'a status line of version 3', from: 'server', bytes: 'SIP/3.0 200 OK\r\n', rejectedAt: 4 },
    { name: 'a status line of letters', from: 'server', bytes: 'SIP/2.0 OK\r\n', rejectedAt: 8 },
    { name: 'a status of four digits', from: 'server', bytes: 'SIP/2.0 2000 OK\r\n', rejectedAt: 11 },
  ],
  otherProtocols: [
    { name: 'OPTIONS of RTSP', from: 'client', bytes: 'OPTIONS rtsp://a/b RTSP/1.0\r\n' },
    { name: 'OPTIONS of HTTP', from: 'client', bytes: 'OPTIONS / HTTP/1.1\r\n' },
    { name: 'MESSAGE of STOMP, sent by its client', from: 'client', bytes: 'MESSAGE\nsubscription:0\n\n\0' },
    { name: 'INFO of Redis', from: 'client', bytes: 'INFO\r\n' },
    { name: 'INFO of NATS', from: 'client', bytes: 'INFO {}\r\n' },
    { name: 'SSH', from: 'server', bytes: 'SSH-2.0-x\r\n' },
  ],
})
