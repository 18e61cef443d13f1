import { expect, test } from 'vitest'
import { xmpp } from '../../src/plugins/xmpp.js'
import { describeSniffer, latin1 } from './describe-sniffer.js'

const DECLARATION = "<?xml version='1.0'?>"
const NAMESPACE = "xmlns:stream='http://etherx.jabber.org/streams'"
const AFTER_NAMESPACE = `<stream:stream ${NAMESPACE}`.length

describeSniffer(xmpp, {
  matches: [
    {
      name: 'a client',
      from: 'client',
      bytes: `${DECLARATION}<stream:stream ${NAMESPACE} xmlns='jabber:client' to='im.example' version='1.0'>`,
      yesAfter: DECLARATION.length + AFTER_NAMESPACE,
      facts: { host: 'im.example' },
    },
    {
      name: 'a client without a declaration, in double quotes',
      from: 'client',
      bytes: `<stream:stream to="im.example" ${NAMESPACE.replaceAll("'", '"')}>`,
      yesAfter: AFTER_NAMESPACE + 16,
      facts: { host: 'im.example' },
    },
    {
      name: 'lines between',
      from: 'client',
      bytes: `<?xml version='1.0' encoding='UTF-8'?>\r\n<stream:stream\n  ${NAMESPACE}\n>`,
      yesAfter: 40 + AFTER_NAMESPACE + 2,
    },
    {
      name: 'a server',
      from: 'server',
      bytes: `${DECLARATION}<stream:stream ${NAMESPACE} from='im.example' to='a@im.example' id='1'>`,
      yesAfter: DECLARATION.length + AFTER_NAMESPACE,
      facts: { host: 'im.example' },
    },
    { name: 'no host', from: 'server', bytes: `<stream:stream ${NAMESPACE} id='1'>`, yesAfter: AFTER_NAMESPACE },
    { name: 'an empty host', from: 'client', bytes: `<stream:stream ${NAMESPACE} to=''>`, yesAfter: AFTER_NAMESPACE },
    {
      name: 'a bad attribute later',
      from: 'client',
      bytes: `<stream:stream ${NAMESPACE} to=a>`,
      yesAfter: AFTER_NAMESPACE,
    },
    {
      name: 'another host past the bound',
      from: 'client',
      bytes: `<stream:stream ${NAMESPACE} x='${'a'.repeat(500)}' to='a'>`,
      yesAfter: AFTER_NAMESPACE,
    },
  ],
  nearMisses: [
    { name: 'another element', from: 'client', bytes: `${DECLARATION}<stream:error ${NAMESPACE}>`, rejectedAt: 29 },
    { name: 'a longer name', from: 'client', bytes: `<stream:streams ${NAMESPACE}>`, rejectedAt: 14 },
    { name: 'no namespace', from: 'client', bytes: "<stream:stream to='a'>", rejectedAt: 21 },
    { name: 'another namespace', from: 'client', bytes: "<stream:stream xmlns:stream='urn:a'>", rejectedAt: 34 },
    { name: 'no quote', from: 'client', bytes: '<stream:stream to=a>', rejectedAt: 18 },
    { name: 'no value', from: 'server', bytes: '<stream:stream to>', rejectedAt: 17 },
    { name: 'no space', from: 'server', bytes: "<stream:stream to='a'id='b'>", rejectedAt: 21 },
    { name: 'an element in a value', from: 'server', bytes: "<stream:stream to='<a>'>", rejectedAt: 19 },
    { name: 'a declaration without end', from: 'client', bytes: `<?xml ${'a'.repeat(80)}`, rejectedAt: 70 },
    { name: 'another instruction', from: 'client', bytes: '<?php ?>', rejectedAt: 2 },
    { name: 'a policy of Flash', from: 'client', bytes: '<policy-file-request/>\0', rejectedAt: 1 },
    { name: 'NETCONF', from: 'client', bytes: '<?xml version="1.0"?><hello>', rejectedAt: 22 },
    {
      name: 'XMPP over WebSocket',
      from: 'client',
      bytes: "<open xmlns='urn:ietf:params:xml:ns:xmpp-framing'/>",
      rejectedAt: 1,
    },
    {
      name: 'a header past the bound',
      from: 'client',
      bytes: `<stream:stream a='${'b'.repeat(600)}'`,
      rejectedAt: 383,
    },
  ],
  otherProtocols: [
    { name: 'HTTP', from: 'client', bytes: 'GET / HTTP/1.1\r\n' },
    { name: 'HTML', from: 'server', bytes: '<html><head>' },
    { name: 'SOAP', from: 'client', bytes: '<?xml version="1.0"?><soap:Envelope>' },
  ],
})

test('is sure between the namespace and the end of the header', () => {
  const bytes = latin1(`<stream:stream ${NAMESPACE} to='im.example'>`)
  for (let length = AFTER_NAMESPACE; length < bytes.length; length++) {
    expect(xmpp.client!(bytes.subarray(0, length))).toBe('sure')
  }
})
