import { expect, test } from 'vitest'
import { postgres } from '../../src/plugins/postgres.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

function startup(parameters: string, version = '\0\x03\0\0'): string {
  const length = 8 + parameters.length
  return `\0\0${String.fromCharCode(length >> 8, length & 0xff)}${version}${parameters}`
}

const PSQL = startup('user\0shop\0database\0orders\0application_name\0psql\0\0')

describeSniffer(postgres, {
  matches: [
    { name: 'StartupMessage', from: 'client', bytes: PSQL, yesAfter: 13, facts: { user: 'shop', database: 'orders' } },
    {
      name: 'protocol 3.2',
      from: 'client',
      bytes: startup('user\0shop\0\0', '\0\x03\0\x02'),
      yesAfter: 13,
      facts: { user: 'shop' },
    },
    {
      name: 'protocol 3.9999',
      from: 'client',
      bytes: startup('user\0shop\0\0', '\0\x03\x27\x0f'),
      yesAfter: 13,
      facts: { user: 'shop' },
    },
    {
      name: 'a setting before the user',
      from: 'client',
      bytes: startup("client_encoding\0'utf-8'\0user\0shop\0database\0orders\0\0"),
      yesAfter: 37,
      facts: { user: 'shop', database: 'orders' },
    },
    {
      name: 'an empty user',
      from: 'client',
      bytes: startup('user\0\0database\0a\0\0'),
      yesAfter: 13,
      facts: { database: 'a' },
    },
    { name: 'a user that no terminal should show', from: 'client', bytes: startup('user\0a\x1bb\0\0'), yesAfter: 13 },
    {
      name: 'a user with an umlaut',
      from: 'client',
      bytes: startup('user\0m\xfcller\0database\0a\0\0'),
      yesAfter: 13,
      facts: { database: 'a' },
    },
    { name: 'SSLRequest', from: 'client', bytes: '\0\0\0\x08\x04\xd2\x16\x2f', yesAfter: 8 },
    { name: 'GSSENCRequest', from: 'client', bytes: '\0\0\0\x08\x04\xd2\x16\x30', yesAfter: 8 },
    {
      name: 'CancelRequest',
      from: 'client',
      bytes: '\0\0\0\x10\x04\xd2\x16\x2e\0\0\x12\x34\xca\xfe\xba\xbe',
      yesAfter: 8,
    },
    {
      name: 'CancelRequest of 3.2',
      from: 'client',
      bytes: `\0\0\0\x2c\x04\xd2\x16\x2e\0\0\x12\x34${'k'.repeat(32)}`,
      yesAfter: 8,
    },
  ],
  nearMisses: [
    { name: 'a length without a code', from: 'client', bytes: '\0\0\0\x07\0\x03\0', rejectedAt: 3 },
    { name: 'a length past what servers take', from: 'client', bytes: '\0\0\x27\x11\0\x03\0\0user\0', rejectedAt: 3 },
    { name: 'a length of 64 KiB', from: 'client', bytes: '\0\x01\0\0\0\x03\0\0user\0', rejectedAt: 1 },
    { name: 'protocol 2', from: 'client', bytes: '\0\0\x01\x28\0\x02\0\0', rejectedAt: 5 },
    { name: 'protocol 3.10', from: 'client', bytes: startup('user\0shop\0\0', '\0\x03\0\x0a'), rejectedAt: 7 },
    { name: 'a request that there is not', from: 'client', bytes: '\0\0\0\x08\x04\xd2\x16\x31', rejectedAt: 7 },
    { name: 'a cancel without a key', from: 'client', bytes: '\0\0\0\x08\x04\xd2\x16\x2e', rejectedAt: 7 },
    { name: 'an SSLRequest with a body', from: 'client', bytes: '\0\0\0\x10\x04\xd2\x16\x2f', rejectedAt: 7 },
    { name: 'a request of 9 bytes', from: 'client', bytes: '\0\0\0\x09\x04\xd2\x16\x2f', rejectedAt: 4 },
    { name: 'a startup without a user', from: 'client', bytes: startup('database\0orders\0\0'), rejectedAt: 24 },
    { name: 'no parameter at all', from: 'client', bytes: startup('\0'), rejectedAt: 8 },
    { name: 'a user past the message', from: 'client', bytes: `\0\0\0\x0b\0\x03\0\0user\0shop\0\0`, rejectedAt: 10 },
    { name: 'a name with a space', from: 'client', bytes: startup('my user\0shop\0\0'), rejectedAt: 10 },
    { name: 'a control in a value', from: 'client', bytes: startup('options\0a\x01\0user\0shop\0\0'), rejectedAt: 17 },
    {
      name: 'Metadata v0 of Kafka',
      from: 'client',
      bytes: '\0\0\0\x12\0\x03\0\0\0\0\0\x01\0\x04shop\0\0\0\0',
      rejectedAt: 8,
    },
    {
      name: 'Metadata v0, its number in letters',
      from: 'client',
      bytes: '\0\0\0\x12\0\x03\0\0abcd\0\x04shop\0\0\0\0',
      rejectedAt: 13,
    },
    {
      name: 'a user too late',
      from: 'client',
      bytes: startup(`options\0${'a'.repeat(300)}\0user\0shop\0\0`),
      rejectedAt: 299,
    },
  ],
  otherProtocols: [
    { name: 'ApiVersions of Kafka', from: 'client', bytes: '\0\0\0\x0e\0\x12\0\x02\0\0\0\0\0\x04shop' },
    { name: 'ConnectRequest of ZooKeeper', from: 'client', bytes: '\0\0\0\x2d\0\0\0\0\0\0\0\0' },
    { name: 'framed Thrift', from: 'client', bytes: '\0\0\0\x28\x80\x01\0\x01\0\0\0\x04ping' },
    { name: 'SMB', from: 'client', bytes: '\0\0\0\x2f\xffSMB\x72' },
  ],
})

test('is sure of the name while user and database are on their way', () => {
  const bytes = latin1(PSQL)
  const whole = PSQL.indexOf('orders\0') + 'orders\0'.length
  for (let length = 13; length < whole; length++) expect(postgres.client!(bytes.subarray(0, length))).toBe('sure')
  expect(postgres.client!(bytes.subarray(0, whole))).toEqual({ facts: { user: 'shop', database: 'orders' } })
})

test('does not wait for a database past its bound', () => {
  const bytes = latin1(startup(`user\0shop\0options\0${'a'.repeat(400)}\0database\0orders\0\0`))
  expect(postgres.client!(bytes.subarray(0, 299))).toBe('sure')
  expect(postgres.client!(bytes.subarray(0, 300))).toEqual({ facts: { user: 'shop' } })
  expect(postgres.client!(bytes)).toEqual({ facts: { user: 'shop' } })
})
