import { expect, test } from 'vitest'
import { git } from '../../src/plugins/git.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const ID = '7217a7c7e582c46cec22a130adf4b9d7d950fba0'
const UPLOAD = 'git-upload-pack'

describeSniffer(git, {
  matches: [
    {
      name: 'a fetch',
      from: 'client',
      bytes: packet(`${UPLOAD} /a.git\0host=git.example:9418\0`),
      yesAfter: 21,
      facts: { service: UPLOAD, host: 'git.example:9418' },
    },
    {
      name: 'a fetch in version 2',
      from: 'client',
      bytes: packet(`${UPLOAD} /~a/b\0host=a\0\0version=2\0`),
      yesAfter: 21,
      facts: { service: UPLOAD, host: 'a' },
    },
    {
      name: 'a push, without a host',
      from: 'client',
      bytes: packet('git-receive-pack /a.git\0'),
      yesAfter: 22,
      facts: { service: 'git-receive-pack' },
    },
    {
      name: 'an archive, and a control in the host',
      from: 'client',
      bytes: packet('git-upload-archive /a\0host=\x1b[0m\0'),
      yesAfter: 24,
      facts: { service: 'git-upload-archive' },
    },
    {
      name: 'a request past the bound',
      from: 'client',
      bytes: packet(`${UPLOAD} /${'a'.repeat(1100)}\0`),
      yesAfter: 21,
    },
    { name: 'a version', from: 'server', bytes: '000eversion 2\n', yesAfter: 14 },
    { name: 'HEAD', from: 'server', bytes: packet(`${ID} HEAD\0multi_ack`), yesAfter: 49 },
    { name: 'a branch, SHA-256', from: 'server', bytes: packet(`${'0f'.repeat(32)} refs/heads/a\0x`), yesAfter: 74 },
    {
      name: 'an empty repository',
      from: 'server',
      bytes: packet(`${'0'.repeat(40)} capabilities^{}\0x`),
      yesAfter: 60,
    },
    { name: 'an error', from: 'server', bytes: packet('ERR access denied'), yesAfter: 9 },
    { name: 'a length in upper case', from: 'server', bytes: '001AERR no such repository', yesAfter: 9 },
  ],
  nearMisses: [
    { name: 'a length of no digits', from: 'client', bytes: '00g3git-upload-pack /a\0', rejectedAt: 2 },
    { name: 'a length past the bound', from: 'client', bytes: 'fff1git-upload-pack /a\0', rejectedAt: 3 },
    { name: 'a flush packet', from: 'client', bytes: '0000git-upload-pack /a\0', rejectedAt: 3 },
    { name: 'a length that is too short', from: 'client', bytes: '0014git-upload-pack /a\0', rejectedAt: 3 },
    { name: 'no path', from: 'client', bytes: '0014git-receive-pack', rejectedAt: 3 },
    { name: 'another command', from: 'client', bytes: packet('git-upload-files /a\0'), rejectedAt: 15 },
    { name: 'a relative path', from: 'client', bytes: packet(`${UPLOAD} a\0`), rejectedAt: 20 },
    { name: 'a version from the client', from: 'client', bytes: '000eversion 2\n', rejectedAt: 3 },
    { name: 'a version of another length', from: 'server', bytes: '000fversion 2\n\n', rejectedAt: 4 },
    { name: 'a version that is a letter', from: 'server', bytes: '000eversion a\n', rejectedAt: 12 },
    { name: 'a version without an end', from: 'server', bytes: '000eversion 22', rejectedAt: 13 },
    { name: 'an id that is too short', from: 'server', bytes: packet(`${ID.slice(1)} HEAD\0`), rejectedAt: 43 },
    { name: 'an id of 41 digits', from: 'server', bytes: packet(`${ID}0 HEAD\0`), rejectedAt: 45 },
    { name: 'another reference', from: 'server', bytes: packet(`${ID} TAIL\0`), rejectedAt: 45 },
    { name: 'an error without a text', from: 'server', bytes: packet('ERR \n'), rejectedAt: 8 },
    { name: 'chunked HTTP', from: 'server', bytes: '0010\r\n', rejectedAt: 4 },
  ],
  otherProtocols: [
    { name: 'FTP', from: 'server', bytes: '220 FTP\r\n' },
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n' },
    { name: 'IMAP', from: 'client', bytes: 'a001 CAPABILITY\r\n' },
  ],
})

test('is sure of a request until it is whole', () => {
  const bytes = latin1(packet(`${UPLOAD} /a.git\0host=a\0`))
  for (let length = 21; length < bytes.length; length++) expect(git.client!(bytes.subarray(0, length))).toBe('sure')
})

function packet(text: string): string {
  return (text.length + 4).toString(16).padStart(4, '0') + text
}
