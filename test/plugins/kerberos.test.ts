import { kerberos } from '../../src/plugins/kerberos.js'
import { describeSniffer } from './describe-sniffer.js'

const AS_REQ = '\0\0\0\xb7\x6a\x81\xb4\x30\x81\xb1\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0a'
const TGS_REQ = '\0\0\x03\xf5\x6c\x82\x03\xf1\x30\x82\x03\xed\xa1\x03\x02\x01\x05\xa2\x03\x02\x01\x0c'
const ERROR = '\0\0\0\x50\x7e\x4e\x30\x4c\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x1e'

describeSniffer(kerberos, {
  matches: [
    { name: 'AS-REQ', from: 'client', bytes: AS_REQ, yesAfter: 20 },
    { name: 'TGS-REQ', from: 'client', bytes: TGS_REQ, yesAfter: 22 },
    {
      name: 'AS-REP',
      from: 'server',
      bytes: '\0\0\0\x50\x6b\x4e\x30\x4c\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0b',
      yesAfter: 18,
    },
    {
      name: 'TGS-REP',
      from: 'server',
      bytes: '\0\0\0\x50\x6d\x4e\x30\x4c\xa0\x03\x02\x01\x05\xa1\x03\x02\x01\x0d',
      yesAfter: 18,
    },
    { name: 'KRB-ERROR', from: 'server', bytes: ERROR, yesAfter: 18 },
  ],
  nearMisses: [
    { name: 'the reserved bit', from: 'client', bytes: `\x80${AS_REQ.slice(1)}`, rejectedAt: 0 },
    { name: 'a message of 15 bytes', from: 'client', bytes: `\0\0\0\x0f${AS_REQ.slice(4)}`, rejectedAt: 3 },
    { name: 'AP-REQ', from: 'client', bytes: `\0\0\0\xb7\x6e${AS_REQ.slice(5)}`, rejectedAt: 4 },
    {
      name: 'a length that is not that of the prefix',
      from: 'client',
      bytes: '\0\0\0\xb7\x6a\x81\xb5\x30\x81',
      rejectedAt: 6,
    },
    { name: 'a set in place of the sequence', from: 'client', bytes: '\0\0\0\xb7\x6a\x81\xb4\x31\x81', rejectedAt: 7 },
    { name: 'a sequence that ends early', from: 'client', bytes: '\0\0\0\xb7\x6a\x81\xb4\x30\x81\xb0', rejectedAt: 9 },
    { name: 'another first element', from: 'client', bytes: AS_REQ.replace('\xa1', '\xa0'), rejectedAt: 10 },
    { name: 'Kerberos 4', from: 'client', bytes: AS_REQ.replace('\x05', '\x04'), rejectedAt: 14 },
    {
      name: 'a type that is not that of the tag',
      from: 'client',
      bytes: AS_REQ.replace('\x0a', '\x0c'),
      rejectedAt: 19,
    },
    { name: 'an answer from the client', from: 'client', bytes: ERROR, rejectedAt: 4 },
    { name: 'a request from the server', from: 'server', bytes: AS_REQ, rejectedAt: 4 },
    {
      name: 'an error with the elements of a request',
      from: 'server',
      bytes: ERROR.replace('\xa0', '\xa1'),
      rejectedAt: 8,
    },
  ],
  otherProtocols: [
    { name: 'a change of a password', from: 'client', bytes: '\0\0\x24\xd5\x24\xd5\xff\x80\x23\xdd\x6e\x82' },
    { name: 'Kafka', from: 'client', bytes: '\0\0\0\x23\0\x12\0\x03\0\0\0\x01\0\x06client' },
    { name: 'LDAP', from: 'client', bytes: '\x30\x0c\x02\x01\x01\x60\x07\x02\x01\x03\x04\0\x80\0' },
    { name: 'Thrift', from: 'client', bytes: '\0\0\0\x28\x80\x01\0\x01\0\0\0\x04ping' },
  ],
})
