import { smb } from '../../src/plugins/smb.js'
import { describeSniffer } from './describe-sniffer.js'

const CALLED = 'CKFDENECFDEFFCFGEFFCCACACACACACA'
const SESSION = `\x81\0\0\x44\x20${CALLED}\0\x20EEEFENEPCACACACACACACACACACACACA\0`

describeSniffer(smb, {
  matches: [
    { name: 'SMB1', from: 'client', bytes: '\0\0\0\x85\xffSMBr\0\0\0\0\x18\x53\xc8', yesAfter: 8 },
    { name: 'SMB1 with a length of 17 bits', from: 'client', bytes: '\0\x01\0\x10\xffSMBr\0\0\0\0\x18', yesAfter: 8 },
    { name: 'SMB2', from: 'client', bytes: '\0\0\0\x66\xfeSMB\x40\0\x01\0', yesAfter: 10 },
    { name: 'a NetBIOS session request', from: 'client', bytes: SESSION, yesAfter: 38 },
    { name: 'a called name with a scope', from: 'client', bytes: `\x81\0\0\x4a\x20${CALLED}\x02AB\0`, yesAfter: 38 },
    { name: 'an answer of SMB1', from: 'server', bytes: '\0\0\0\x55\xffSMBr\0\0\0\0\x98\x53\xc8', yesAfter: 8 },
    { name: 'an answer of SMB2', from: 'server', bytes: '\0\0\0\xf8\xfeSMB\x40\0\x01\0', yesAfter: 10 },
  ],
  nearMisses: [
    { name: 'a length past 17 bits', from: 'client', bytes: '\0\x02\0\x85\xffSMBr', rejectedAt: 1 },
    { name: 'a message of 34 bytes', from: 'client', bytes: '\0\0\0\x22\xffSMBr', rejectedAt: 3 },
    { name: 'another first byte', from: 'client', bytes: '\0\0\0\x85\xfdSMBr', rejectedAt: 4 },
    { name: 'other letters', from: 'client', bytes: '\0\0\0\x85\xffSMCr', rejectedAt: 7 },
    { name: 'SMB2 of another structure size', from: 'client', bytes: '\0\0\0\x66\xfeSMB\x41\0', rejectedAt: 8 },
    { name: 'a big-endian structure size', from: 'client', bytes: '\0\0\0\x66\xfeSMB\0\x40', rejectedAt: 8 },
    { name: 'a session request with a flag', from: 'client', bytes: '\x81\x01\0\x44\x20', rejectedAt: 1 },
    { name: 'a session request without room for its names', from: 'client', bytes: '\x81\0\0\x43\x20', rejectedAt: 3 },
    { name: 'names past their bound', from: 'client', bytes: '\x81\0\x01\xff\x20', rejectedAt: 3 },
    { name: 'a name of another length', from: 'client', bytes: `\x81\0\0\x44\x1f${CALLED}`, rejectedAt: 4 },
    { name: 'a name with a Q', from: 'client', bytes: '\x81\0\0\x44\x20CKFQ', rejectedAt: 8 },
    { name: 'a label of 64 bytes', from: 'client', bytes: `\x81\0\0\x44\x20${CALLED}\x40`, rejectedAt: 37 },
    { name: 'a session request from the server', from: 'server', bytes: SESSION, rejectedAt: 0 },
    { name: 'the answer to a session request', from: 'server', bytes: '\x82\0\0\0', rejectedAt: 0 },
  ],
  otherProtocols: [
    { name: 'Kafka ApiVersions', from: 'client', bytes: '\0\0\0\x23\0\x12\0\x03\0\0\0\x01\0\x06client' },
    { name: 'Postgres startup', from: 'client', bytes: '\0\0\0\x29\0\x03\0\0user\0postgres\0' },
    { name: 'Thrift', from: 'client', bytes: '\0\0\0\x28\x80\x01\0\x01\0\0\0\x04ping' },
    { name: 'memcached', from: 'server', bytes: '\x81\0\0\0\x04\0\0\0\0\0\0\x09' },
    { name: 'DNS', from: 'client', bytes: '\0\x1d\x12\x34\x01\0\0\x01\0\0\0\0\0\0' },
  ],
})
