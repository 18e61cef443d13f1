import { expect, test } from 'vitest'
import { ftp } from '../../src/plugins/ftp.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const PURE_FTPD = '220---------- Welcome to Pure-FTPd [privsep] [TLS] ----------\r\n220 ok\r\n'

describeSniffer(ftp, {
  matches: [
    { name: 'vsFTPd', from: 'server', bytes: '220 (vsFTPd 3.0.3)\r\n', yesAfter: 12, facts: { software: 'vsFTPd' } },
    {
      name: 'ProFTPD, in place of a host',
      from: 'server',
      bytes: '220 ProFTPD Server ready\r\n',
      yesAfter: 26,
      facts: { software: 'ProFTPD' },
    },
    { name: 'Pure-FTPd', from: 'server', bytes: PURE_FTPD, yesAfter: 35, facts: { software: 'Pure-FTPd' } },
    {
      name: 'FileZilla Server',
      from: 'server',
      bytes: '220-FileZilla Server 1.7.0\r\n220 ok\r\n',
      yesAfter: 36,
      facts: { software: 'FileZilla' },
    },
    {
      name: 'GridFTP',
      from: 'server',
      bytes: '220 a GridFTP Server 6.14 ready.\r\n',
      yesAfter: 14,
      facts: { software: 'GridFTP' },
    },
    { name: 'the word behind a host', from: 'server', bytes: '220 ftp.a.example FTP server ready\r\n', yesAfter: 22 },
    { name: 'the word behind a host named smtp', from: 'server', bytes: '220 smtp FTP server\r\n', yesAfter: 13 },
    { name: 'the word as the first', from: 'server', bytes: '220 FTP Server ready.\r\n', yesAfter: 23 },
    { name: 'the word and a comma', from: 'server', bytes: '220 FTP, not SMTP\r\n', yesAfter: 8 },
    { name: 'the word in the second line', from: 'server', bytes: '220-Hello\r\n220 ftp\r\n', yesAfter: 19 },
    { name: 'letters of another encoding', from: 'server', bytes: '220 \xd3\xca\xbc\xfe FTP\r\n', yesAfter: 13 },
    { name: 'a full server', from: 'server', bytes: '421 Too many FTP clients\r\n', yesAfter: 17 },
    {
      name: 'a login and SYST',
      from: 'client',
      bytes: 'USER bob\r\nPASS a b\r\nSYST\r\n',
      yesAfter: 26,
      facts: { user: 'bob' },
    },
    {
      name: 'a login without a carriage return',
      from: 'client',
      bytes: 'user bob\npass\npasv\n',
      yesAfter: 19,
      facts: { user: 'bob' },
    },
    { name: 'a name with a space', from: 'client', bytes: 'USER b b\r\nPWD\r\n', yesAfter: 15, facts: { user: 'b' } },
    { name: 'a name past the bound', from: 'client', bytes: `USER ${'a'.repeat(70)}\r\nPWD\r\n`, yesAfter: 82 },
    {
      name: 'TYPE behind a login',
      from: 'client',
      bytes: 'USER a\r\nPASS b\r\nTYPE I\r\n',
      yesAfter: 24,
      facts: { user: 'a' },
    },
    { name: 'PORT', from: 'client', bytes: 'USER a\r\nPORT 192,0,2,1,4,1\r\n', yesAfter: 28, facts: { user: 'a' } },
    { name: 'EPRT', from: 'client', bytes: 'USER a\r\nEPRT |1|192.0.2.1|1|\r\n', yesAfter: 30, facts: { user: 'a' } },
    { name: 'AUTH TLS', from: 'client', bytes: 'AUTH TLS\r\n', yesAfter: 10 },
    { name: 'AUTH SSL in lower case', from: 'client', bytes: 'auth ssl\r\n', yesAfter: 10 },
    { name: 'FEAT', from: 'client', bytes: 'FEAT\r\n', yesAfter: 6 },
    { name: 'HOST and FEAT', from: 'client', bytes: 'HOST a.example\r\nFEAT\r\n', yesAfter: 22 },
  ],
  nearMisses: [
    { name: 'SMTP', from: 'server', bytes: '220 mail.example ESMTP Postfix\r\n', rejectedAt: 22 },
    { name: 'SMTP on a host named ftp', from: 'server', bytes: '220 ftp ESMTP Postfix\r\n', rejectedAt: 13 },
    { name: 'SMTP that names FTP later', from: 'server', bytes: '220 a SMTP, not FTP\r\n', rejectedAt: 10 },
    { name: 'a greeting that does not say', from: 'server', bytes: '220 py.fake ready\r\n', rejectedAt: 18 },
    { name: 'a host that does', from: 'server', bytes: '220 ftp.a.example ready\r\n', rejectedAt: 24 },
    { name: 'a host of a domain that does', from: 'server', bytes: '220 a.ftpd ready\r\n', rejectedAt: 17 },
    { name: 'TFTP', from: 'server', bytes: '220 a TFTP\r\n', rejectedAt: 11 },
    { name: 'DICT', from: 'server', bytes: '220 dict.example dictd 1.12.1 <auth>\r\n', rejectedAt: 37 },
    { name: 'HylaFAX', from: 'server', bytes: '220 a server (HylaFAX (tm) Version 6.0) ready.\r\n', rejectedAt: 47 },
    { name: 'VMware', from: 'server', bytes: '220 VMware Authentication Daemon Version 1.10\r\n', rejectedAt: 46 },
    {
      name: 'free text before the last line',
      from: 'server',
      bytes: '220-Hello\r\n FTP\r\n220 ok\r\n',
      rejectedAt: 11,
    },
    { name: 'another code', from: 'server', bytes: '230 FTP\r\n', rejectedAt: 1 },
    { name: 'a refusal of SMTP', from: 'server', bytes: '554 FTP\r\n', rejectedAt: 0 },
    { name: 'a NUL', from: 'server', bytes: '220 a\0 FTP\r\n', rejectedAt: 5 },
    { name: 'a login of POP3', from: 'client', bytes: 'USER a\r\nPASS b\r\nUIDL\r\n', rejectedAt: 17 },
    { name: 'a login that lists', from: 'client', bytes: 'USER a\r\nPASS b\r\nLIST\r\n', rejectedAt: 16 },
    { name: 'USER of IRC', from: 'client', bytes: 'USER a 0 * :A\r\nNICK a\r\n', rejectedAt: 16 },
    { name: 'USER without a name', from: 'client', bytes: 'USER\r\n', rejectedAt: 5 },
    { name: 'PASS first, as in IRC', from: 'client', bytes: 'PASS a\r\n', rejectedAt: 0 },
    { name: 'TYPE first, as in Redis', from: 'client', bytes: 'TYPE I\r\n', rejectedAt: 0 },
    { name: 'AUTH of Redis', from: 'client', bytes: 'AUTH secret\r\n', rejectedAt: 12 },
    { name: 'FEAT with an argument', from: 'client', bytes: 'FEAT a\r\n', rejectedAt: 7 },
    { name: 'a longer word', from: 'client', bytes: 'FEATURE\r\n', rejectedAt: 4 },
    { name: 'a lone carriage return', from: 'client', bytes: 'FEAT\rA', rejectedAt: 5 },
    { name: 'a NUL in a name', from: 'client', bytes: 'USER a\0\r\n', rejectedAt: 6 },
    { name: 'a name without end', from: 'client', bytes: `USER ${'a'.repeat(300)}`, rejectedAt: 255 },
  ],
  otherProtocols: [
    { name: 'NNTP', from: 'server', bytes: '200 news.example NNTP ready\r\n' },
    { name: 'POP3', from: 'server', bytes: '+OK FTP\r\n' },
    { name: 'HTTP', from: 'client', bytes: 'POST / HTTP/1.1\r\n' },
    { name: 'SMTP', from: 'client', bytes: 'EHLO a\r\n' },
    { name: 'Redis PING', from: 'client', bytes: 'PING\r\n' },
  ],
})

test('says the same of a greeting that grows byte by byte, whatever it was shown before', () => {
  for (const text of [
    PURE_FTPD,
    '220 ProFTPD Server\r\n',
    '220-a b\r\n220-c\r\n220 my-ftpd x\r\n',
    '220-a\r\n220 b\r\n',
  ]) {
    const bytes = latin1(text)
    for (let length = 1; length <= bytes.length; length++) {
      const window = bytes.subarray(0, length)
      const verdict = ftp.server!(window)
      for (let seen = 0; seen < length && ftp.server!(bytes.subarray(0, seen)) === 'need-more'; seen++) {
        expect(ftp.server!(window, seen), `${text}, ${length} bytes, ${seen} seen`).toEqual(verdict)
      }
    }
  }
})
