import { pop3 } from '../../src/plugins/pop3.js'
import { describeSniffer } from './describe-sniffer.js'

describeSniffer(pop3, {
  matches: [
    { name: 'a greeting', from: 'server', bytes: '+OK POP3 server ready\r\n', yesAfter: 23 },
    { name: 'a greeting of one word', from: 'server', bytes: '+OK lavad\r\n', yesAfter: 11 },
    { name: 'a timestamp for APOP', from: 'server', bytes: '+OK a <1896.697170952@dbc.example>\r\n', yesAfter: 36 },
    { name: 'letters of another encoding', from: 'server', bytes: '+OK \xd3\xca\xbc\xfe POP3\r\n', yesAfter: 15 },
    { name: 'a long greeting', from: 'server', bytes: `+OK ${'a'.repeat(506)}\r\n`, yesAfter: 128 },
    { name: 'CAPA', from: 'client', bytes: 'CAPA\r\n', yesAfter: 6 },
    { name: 'STLS in lower case', from: 'client', bytes: 'stls\r\n', yesAfter: 6 },
    { name: 'APOP', from: 'client', bytes: 'APOP mrose c4c9334bac560ecc979e58001b3e22fb\r\n', yesAfter: 45 },
    { name: 'AUTH and CAPA', from: 'client', bytes: 'AUTH\r\nCAPA\r\n', yesAfter: 12 },
    {
      name: 'a login and UIDL',
      from: 'client',
      bytes: 'USER a@b.example\r\nPASS c\r\nSTAT\r\nLIST\r\nUIDL\r\n',
      yesAfter: 44,
      facts: { user: 'a@b.example' },
    },
  ],
  nearMisses: [
    { name: 'the OK of Redis and NATS', from: 'server', bytes: '+OK\r\n', rejectedAt: 3 },
    { name: 'OK and a space', from: 'server', bytes: '+OK \r\n', rejectedAt: 4 },
    { name: 'OK and two spaces', from: 'server', bytes: '+OK  a\r\n', rejectedAt: 4 },
    { name: 'an error, which Redis has too', from: 'server', bytes: '-ERR too busy\r\n', rejectedAt: 0 },
    { name: 'PONG of Redis', from: 'server', bytes: '+PONG\r\n', rejectedAt: 1 },
    { name: 'no carriage return', from: 'server', bytes: '+OK a\nb', rejectedAt: 5 },
    { name: 'a lone carriage return', from: 'server', bytes: '+OK a\rb', rejectedAt: 6 },
    { name: 'a control', from: 'server', bytes: '+OK a\x01\r\n', rejectedAt: 5 },
    { name: 'a control behind some text', from: 'server', bytes: `+OK ${'a'.repeat(120)}\0\r\n`, rejectedAt: 124 },
    { name: 'lower case', from: 'server', bytes: '+ok ready\r\n', rejectedAt: 1 },
    { name: 'a login of FTP', from: 'client', bytes: 'USER a\r\nPASS b\r\nSYST\r\n', rejectedAt: 17 },
    { name: 'AUTH of Redis', from: 'client', bytes: 'AUTH secret\r\n', rejectedAt: 12 },
    { name: 'STAT first', from: 'client', bytes: 'STAT\r\n', rejectedAt: 2 },
    { name: 'CAPABILITY of ManageSieve', from: 'client', bytes: 'CAPABILITY\r\n', rejectedAt: 4 },
    { name: 'USER of IRC', from: 'client', bytes: 'USER a 0 * :A\r\nNICK a\r\n', rejectedAt: 15 },
    { name: 'APOP without a name', from: 'client', bytes: 'APOP\r\n', rejectedAt: 5 },
  ],
  otherProtocols: [
    { name: 'Faktory', from: 'server', bytes: '+HI {"v":2}\r\n' },
    { name: 'IMAP', from: 'server', bytes: '* OK IMAP4rev1\r\n' },
    { name: 'Git', from: 'server', bytes: '000eversion 2\n' },
    { name: 'HTTP', from: 'client', bytes: 'COPY / HTTP/1.1\r\n' },
    { name: 'SMTP', from: 'client', bytes: 'STARTTLS\r\n' },
  ],
})
