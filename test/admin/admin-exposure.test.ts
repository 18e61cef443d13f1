import { describe, expect, test } from 'vitest'
import { refusalOf } from '../../src/admin/admin-exposure.js'

describe('refusalOf', () => {
  test.for(['127.0.0.1', '127.8.9.10', '::1', '::ffff:127.0.0.1'])('lets the peer %s in', (peer) => {
    expect(refusalOf({ peer, host: 'localhost' }, [])).toBeUndefined()
  })

  test.for(['10.0.0.1', '::ffff:10.0.0.1', 'fd00::1', '::', '128.0.0.1', undefined])(
    'keeps the peer %s out',
    (peer) => {
      expect(refusalOf({ peer, host: 'localhost' }, [])).toMatch(/^only peers on this machine/)
    },
  )

  test.for([
    '127.0.0.1',
    '127.0.0.1:4191',
    '[::1]',
    '[::1]:4191',
    'localhost',
    'LOCALHOST:4191',
    'localhost.',
    '192.0.2.1:80',
  ])('answers under the Host %s', (host) => {
    expect(refusalOf({ peer: '127.0.0.1', host }, [])).toBeUndefined()
  })

  test.for([
    'evil.example',
    'localhost.evil.example:4191',
    '127.0.0.1.evil.example',
    '[evil]',
    '[::1]evil',
    '',
    undefined,
    '127.0.0.1:80:80',
    '2130706433',
  ])('does not answer under the Host %s', (host) => {
    expect(refusalOf({ peer: '127.0.0.1', host }, [])).toMatch(/^this Host is/)
  })

  test('answers under the names that the configuration allows', () => {
    const allowed = ['Sluice.Internal']
    expect(refusalOf({ peer: '::1', host: 'sluice.internal:4191' }, allowed)).toBeUndefined()
    expect(refusalOf({ peer: '::1', host: 'x.sluice.internal' }, allowed)).toBeDefined()
    expect(refusalOf({ peer: '10.0.0.1', host: 'sluice.internal' }, allowed)).toBeDefined()
  })
})
