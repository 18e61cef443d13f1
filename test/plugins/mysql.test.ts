import { mysql } from '../../src/plugins/mysql.js'
import { describeSniffer } from './describe-sniffer.js'

// Greeting of a server 8.0.35: length(3) sequence(1) 0x0a version NUL thread(4) salt(8) filler(1) capabilities(2) and the rest.
const REST =
  '\x08\0\0\0abcdefgh\0\xff\xff\xff\x02\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0abcdefghijkl\0caching_sha2_password\0'
const greeting = (version: string) =>
  `${String.fromCharCode(version.length + REST.length + 2)}\0\0\0\x0a${version}\0${REST}`
const TOO_MANY = '\x17\0\0\0\xff\x10\x04Too many connections'

// An answer to the greeting: length(3) sequence(1) capabilities(4) maximum packet(4) character set(1) filler(23), user NUL.
const ANSWER_HEAD = '\x85\xa6\xff\x01\0\0\0\x01\x21'
const FILLER = '\0'.repeat(23)
const answer = (payload: string) => `${String.fromCharCode(payload.length)}\0\0\x01${payload}`
const facts = (version: string) => ({ version })

describeSniffer(mysql, {
  matches: [
    { name: 'MySQL', from: 'server', bytes: greeting('8.0.35'), yesAfter: 25, facts: facts('8.0.35') },
    {
      name: 'MariaDB',
      from: 'server',
      bytes: greeting('11.4.2-MariaDB'),
      yesAfter: 33,
      facts: facts('11.4.2-MariaDB'),
    },
    {
      name: 'MariaDB with its prefix',
      from: 'server',
      bytes: greeting('5.5.5-10.11.19-MariaDB'),
      yesAfter: 41,
      facts: facts('10.11.19-MariaDB'),
    },
    { name: 'a real 5.5.5', from: 'server', bytes: greeting('5.5.5'), yesAfter: 24, facts: facts('5.5.5') },
    {
      name: 'the longest version',
      from: 'server',
      bytes: greeting('9'.repeat(128)),
      yesAfter: 147,
      facts: facts('9'.repeat(128)),
    },
    {
      name: 'an answer to the greeting',
      from: 'client',
      bytes: answer(`${ANSWER_HEAD}${FILLER}shop\0\x14abcdefghijklmnopqrst`),
      yesAfter: 32,
      facts: { user: 'shop' },
    },
    {
      name: 'an answer with the capabilities of MariaDB',
      from: 'client',
      bytes: answer(`${ANSWER_HEAD}${'\0'.repeat(19)}\x1d\0\0\0shop\0\0`),
      yesAfter: 32,
      facts: { user: 'shop' },
    },
    { name: 'an answer of nobody', from: 'client', bytes: answer(`${ANSWER_HEAD}${FILLER}\0\0`), yesAfter: 32 },
    {
      name: 'a user past its bound',
      from: 'client',
      bytes: answer(`${ANSWER_HEAD}${FILLER}${'a'.repeat(129)}\0\0`),
      yesAfter: 32,
    },
    {
      name: 'a request for TLS',
      from: 'client',
      bytes: answer(`\x85\xae\xff\x01\0\0\0\x01\x21${FILLER}`),
      yesAfter: 32,
    },
    { name: 'error 1040', from: 'server', bytes: TOO_MANY, yesAfter: 15 },
    { name: 'error 1130', from: 'server', bytes: "\x40\0\0\0\xff\x6a\x04Host 'a' is not allowed", yesAfter: 15 },
    {
      name: 'error 1129 with a state',
      from: 'server',
      bytes: "\x50\0\0\0\xff\x69\x04#HY000Host 'a' is blocked",
      yesAfter: 15,
    },
  ],
  nearMisses: [
    { name: 'a length that could be a greeting of SOCKS5', from: 'client', bytes: '\x05\x01\0\x01', rejectedAt: 0 },
    { name: 'a sequence number of 0', from: 'client', bytes: '\x52\0\0\0\x05\xa6', rejectedAt: 3 },
    { name: 'an answer too short', from: 'client', bytes: '\x1f\0\0\x01\x05\xa6', rejectedAt: 1 },
    { name: 'an answer without a user', from: 'client', bytes: '\x21\0\0\x01\x05\xa6', rejectedAt: 1 },
    { name: 'an answer of 64 KiB', from: 'client', bytes: '\x52\0\x01\x01\x05\xa6', rejectedAt: 2 },
    { name: 'an answer of protocol 3.20', from: 'client', bytes: '\x52\0\0\x01\x05\xa4', rejectedAt: 5 },
    { name: 'a request for TLS without its flag', from: 'client', bytes: '\x20\0\0\x01\x05\xa6', rejectedAt: 5 },
    {
      name: 'a filler of an answer that is not zero',
      from: 'client',
      bytes: answer(`${ANSWER_HEAD}${'\0'.repeat(18)}x\0\0\0\0shop\0\0`),
      rejectedAt: 31,
    },
    { name: 'a length of nothing', from: 'server', bytes: '\0\0\0\0\x0a8.0.35\0', rejectedAt: 1 },
    { name: 'a length of half a kilobyte', from: 'server', bytes: '\0\x02\0\0\x0a8.0.35\0', rejectedAt: 1 },
    { name: 'a length of megabytes', from: 'server', bytes: '\x4a\0\x01\0\x0a8.0.35\0', rejectedAt: 2 },
    { name: 'a later sequence number', from: 'server', bytes: '\x4a\0\0\x01\x0a8.0.35\0', rejectedAt: 3 },
    { name: 'protocol 9', from: 'server', bytes: '\x4a\0\0\0\x098.0.35\0', rejectedAt: 4 },
    { name: 'a version that begins with a letter', from: 'server', bytes: '\x4a\0\0\0\x0av8.0.35\0', rejectedAt: 5 },
    { name: 'no version', from: 'server', bytes: '\x4a\0\0\0\x0a\0', rejectedAt: 5 },
    { name: 'a control in the version', from: 'server', bytes: '\x4a\0\0\0\x0a8.0\n', rejectedAt: 8 },
    { name: 'a version past its bound', from: 'server', bytes: `\xff\0\0\0\x0a${'9'.repeat(140)}`, rejectedAt: 133 },
    { name: 'a length too short for the version', from: 'server', bytes: '\x10\0\0\0\x0a8.0.35\0', rejectedAt: 11 },
    {
      name: 'a filler that is not zero',
      from: 'server',
      bytes: `\x4a\0\0\0\x0a8.0.35\0${'x'.repeat(20)}`,
      rejectedAt: 24,
    },
    { name: 'an error below 1000', from: 'server', bytes: '\x17\0\0\0\xff\xe7\x03Too many', rejectedAt: 6 },
    { name: 'an error above 6999', from: 'server', bytes: '\x17\0\0\0\xff\x58\x1bToo many', rejectedAt: 6 },
    { name: 'an error with a binary message', from: 'server', bytes: '\x17\0\0\0\xff\x10\x04Too\0', rejectedAt: 10 },
    { name: 'an OK packet', from: 'server', bytes: '\x17\0\0\0\0\0\0', rejectedAt: 4 },
  ],
  otherProtocols: [
    { name: 'a MongoDB answer', from: 'server', bytes: '\x4e\0\0\0\x01\0\0\0\x01\0\0\0\x01\0\0\0' },
    { name: 'MQTT CONNACK', from: 'server', bytes: '\x20\x02\0\0' },
    { name: 'a PostgreSQL answer', from: 'server', bytes: 'R\0\0\0\x08\0\0\0\0' },
    { name: 'telnet', from: 'server', bytes: '\xff\xfd\x18\xff\xfd\x20' },
    { name: 'VNC', from: 'server', bytes: 'RFB 003.008\n' },
    { name: "MySQL's X protocol", from: 'client', bytes: '\x19\x01\0\0\x02\x0a\x95\x02' },
    { name: 'MongoDB', from: 'client', bytes: '\x29\0\0\0\x01\0\0\0\0\0\0\0\xdd\x07\0\0' },
  ],
})
