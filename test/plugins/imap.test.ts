import { imap } from '../../src/plugins/imap.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(imap, {
  matches: [
    { name: 'OK', from: 'server', bytes: '* OK Dovecot ready.\r\n', yesAfter: 6 },
    { name: 'capabilities', from: 'server', bytes: '* OK [CAPABILITY IMAP4rev1] a\r\n', yesAfter: 6 },
    { name: 'PREAUTH', from: 'server', bytes: '* PREAUTH IMAP4rev1 as Smith\r\n', yesAfter: 11 },
    { name: 'BYE in lower case', from: 'server', bytes: '* bye full\r\n', yesAfter: 7 },
    { name: 'CAPABILITY', from: 'client', bytes: 'a001 CAPABILITY\r\n', yesAfter: 17 },
    { name: 'STARTTLS and no carriage return', from: 'client', bytes: '1 starttls\n', yesAfter: 11 },
    { name: 'a dot for a tag', from: 'client', bytes: '. CAPABILITY\r\n', yesAfter: 14 },
    { name: 'LOGIN', from: 'client', bytes: 'A1 LOGIN "a" "b"\r\n', yesAfter: 10 },
    { name: 'AUTHENTICATE', from: 'client', bytes: 'r97t AUTHENTICATE PLAIN\r\n', yesAfter: 19 },
    { name: 'ID', from: 'client', bytes: 'C0002 ID ("os" "Linux")\r\n', yesAfter: 10 },
    { name: 'the longest tag', from: 'client', bytes: `1${'a'.repeat(15)} STARTTLS\r\n`, yesAfter: 27 },
  ],
  nearMisses: [
    { name: 'ACAP', from: 'server', bytes: '* ACAP (IMPLEMENTATION "a")\r\n', rejectedAt: 2 },
    { name: 'OK without a text', from: 'server', bytes: '* OK\r\n', rejectedAt: 4 },
    { name: 'OK and two spaces', from: 'server', bytes: '* OK  a\r\n', rejectedAt: 5 },
    { name: 'a longer word', from: 'server', bytes: '* OKAY then\r\n', rejectedAt: 4 },
    { name: 'another condition', from: 'server', bytes: '* NO\r\n', rejectedAt: 2 },
    { name: 'data', from: 'server', bytes: '* 18 EXISTS\r\n', rejectedAt: 2 },
    { name: 'an array of Redis', from: 'server', bytes: '*1\r\n', rejectedAt: 1 },
    { name: 'SMTP', from: 'client', bytes: 'EHLO capability\r\n', rejectedAt: 4 },
    { name: 'a tag past the bound', from: 'client', bytes: `1${'a'.repeat(16)} STARTTLS\r\n`, rejectedAt: 16 },
    { name: 'CAPABILITY with an argument', from: 'client', bytes: 'a1 CAPABILITY x\r\n', rejectedAt: 13 },
    { name: 'ManageSieve', from: 'client', bytes: 'CAPABILITY\r\n', rejectedAt: 10 },
    { name: 'AUTHENTICATE of ACAP', from: 'client', bytes: 'a1 AUTHENTICATE "PLAIN"\r\n', rejectedAt: 16 },
    { name: 'a command after a login', from: 'client', bytes: 'a1 SELECT inbox\r\n', rejectedAt: 4 },
    { name: 'ID without a list', from: 'client', bytes: 'a1 ID x\r\n', rejectedAt: 6 },
    { name: 'a lone carriage return', from: 'client', bytes: 'a1 STARTTLS\ra', rejectedAt: 12 },
    { name: 'two spaces', from: 'client', bytes: 'a1  LOGIN a b\r\n', rejectedAt: 3 },
  ],
  otherProtocols: [
    { name: 'POP3', from: 'server', bytes: '+OK ready\r\n' },
    { name: 'HTTP', from: 'client', bytes: 'GET /login HTTP/1.1\r\n' },
    { name: 'HTTP with a method of one letter', from: 'client', bytes: 'M /login HTTP/1.1\r\n' },
    { name: 'NATS', from: 'client', bytes: 'CONNECT {}\r\n' },
    { name: 'memcached', from: 'client', bytes: 'get a1\r\n' },
  ],
})
