import { expect, test } from 'vitest'
import { ldap } from '../../src/plugins/ldap.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

// SEQUENCE { messageID, [APPLICATION n] operation }: RFC 4511 section 4.1.1.
const BIND = '\x30\x1e\x02\x01\x01\x60\x19\x02\x01\x03\x04\x0dcn=admin,dc=a\x80\x05guest'
const SEARCH =
  '\x30\x25\x02\x01\x02\x63\x20\x04\0\x0a\x01\0\x0a\x01\0\x02\x01\0\x02\x01\0\x01\x01\0\x87\x0bobjectclass\x30\0'
const STARTTLS = '\x30\x1d\x02\x01\x01\x77\x18\x80\x161.3.6.1.4.1.1466.20037'

describeSniffer(ldap, {
  matches: [
    { name: 'a bind', from: 'client', bytes: BIND, yesAfter: 10, facts: { user: 'cn=admin,dc=a' } },
    {
      name: 'an anonymous bind',
      from: 'client',
      bytes: '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0',
      yesAfter: 10,
    },
    {
      name: 'a bind of LDAPv2',
      from: 'client',
      bytes: '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x02\x04\0\x80\0',
      yesAfter: 10,
    },
    {
      name: 'a bind with long lengths and a long id, as Active Directory has them',
      from: 'client',
      bytes: '\x30\x84\0\0\0\x13\x02\x02\x12\x34\x60\x84\0\0\0\x09\x02\x01\x03\x04\x02ab\x80\0',
      yesAfter: 19,
      facts: { user: 'ab' },
    },
    {
      name: 'a name with a control',
      from: 'client',
      bytes: '\x30\x0e\x02\x01\x01\x60\x09\x02\x01\x03\x04\x02a\n\x80\0',
      yesAfter: 10,
    },
    {
      name: 'a bind without a name',
      from: 'client',
      bytes: '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x80\x02ab',
      yesAfter: 10,
    },
    { name: 'a search', from: 'client', bytes: SEARCH, yesAfter: 8 },
    { name: 'StartTLS', from: 'client', bytes: STARTTLS, yesAfter: 8 },
    { name: 'an unbind', from: 'client', bytes: '\x30\x05\x02\x01\x03\x42\0', yesAfter: 7 },
    {
      name: 'a bind response',
      from: 'server',
      bytes: '\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0\x04\0\x04\0',
      yesAfter: 9,
    },
    { name: 'an entry', from: 'server', bytes: '\x30\x09\x02\x01\x02\x64\x04\x04\0\x30\0', yesAfter: 8 },
    {
      name: 'a notice of disconnection',
      from: 'server',
      bytes: '\x30\x0c\x02\x01\0\x78\x07\x0a\x01\x34\x04\0\x04\0',
      yesAfter: 9,
    },
  ],
  nearMisses: [
    { name: 'a set in place of the sequence', from: 'client', bytes: `\x31${BIND.slice(1)}`, rejectedAt: 0 },
    { name: 'an indefinite length', from: 'client', bytes: `\x30\x80${BIND.slice(2)}`, rejectedAt: 1 },
    { name: 'a length of five octets', from: 'client', bytes: '\x30\x85\0\0\0\0\x1e\x02\x01\x01\x60', rejectedAt: 1 },
    { name: 'a length past 16 MiB', from: 'client', bytes: '\x30\x84\x01\0\0\0\x02\x01\x01\x60', rejectedAt: 2 },
    { name: 'a message of four bytes', from: 'client', bytes: '\x30\x04\x02\x01\x01\x60', rejectedAt: 1 },
    { name: 'an OID in place of the id', from: 'client', bytes: '\x30\x1e\x06\x01\x01\x60\x19', rejectedAt: 2 },
    { name: 'an id of five bytes', from: 'client', bytes: '\x30\x1e\x02\x05\x01\x01\x01\x01\x01\x60', rejectedAt: 3 },
    { name: 'a negative id', from: 'client', bytes: '\x30\x1e\x02\x01\xff\x60\x19', rejectedAt: 4 },
    {
      name: 'SNMP, which has a community there',
      from: 'client',
      bytes: '\x30\x29\x02\x01\0\x04\x06public',
      rejectedAt: 5,
    },
    { name: 'a certificate', from: 'client', bytes: '\x30\x82\x03\x10\x30\x82\x01\xf8', rejectedAt: 4 },
    {
      name: 'a bind past its message',
      from: 'client',
      bytes: '\x30\x1e\x02\x01\x01\x60\x1a\x02\x01\x03',
      rejectedAt: 6,
    },
    {
      name: 'a bind of version 1',
      from: 'client',
      bytes: '\x30\x1e\x02\x01\x01\x60\x19\x02\x01\x01\x04',
      rejectedAt: 9,
    },
    {
      name: 'a version of two bytes',
      from: 'client',
      bytes: '\x30\x1e\x02\x01\x01\x60\x19\x02\x02\0\x03',
      rejectedAt: 8,
    },
    {
      name: 'a search that begins with a number',
      from: 'client',
      bytes: '\x30\x25\x02\x01\x02\x63\x20\x02\x01',
      rejectedAt: 7,
    },
    { name: 'an empty search', from: 'client', bytes: '\x30\x05\x02\x01\x02\x63\0', rejectedAt: 6 },
    { name: 'an unbind with contents', from: 'client', bytes: '\x30\x06\x02\x01\x03\x42\x01\0', rejectedAt: 6 },
    {
      name: 'a response from the client',
      from: 'client',
      bytes: '\x30\x0c\x02\x01\x01\x61\x07\x0a\x01\0',
      rejectedAt: 5,
    },
    { name: 'a request from the server', from: 'server', bytes: BIND, rejectedAt: 5 },
    { name: 'a result of two bytes', from: 'server', bytes: '\x30\x0c\x02\x01\x01\x61\x07\x0a\x02\0\0', rejectedAt: 8 },
    { name: 'an entry without a name', from: 'server', bytes: '\x30\x09\x02\x01\x02\x64\x04\x30\0', rejectedAt: 7 },
  ],
  otherProtocols: [
    { name: 'Kerberos', from: 'client', bytes: '\0\0\0\xb7\x6a\x81\xb4\x30\x81\xb1\xa1\x03\x02\x01\x05' },
    { name: 'CredSSP', from: 'client', bytes: '\x30\x37\xa0\x03\x02\x01\x06\xa1\x30' },
    { name: 'TLS', from: 'client', bytes: '\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03' },
    { name: 'text', from: 'client', bytes: '0123 456\r\n' },
  ],
})

test('is sure of a bind until its name is there', () => {
  const bytes = latin1(BIND)
  const whole = BIND.indexOf('\x80')
  for (let length = 10; length < whole; length++) expect(ldap.client!(bytes.subarray(0, length))).toBe('sure')
  expect(ldap.client!(bytes.subarray(0, whole))).toEqual({ facts: { user: 'cn=admin,dc=a' } })
})
