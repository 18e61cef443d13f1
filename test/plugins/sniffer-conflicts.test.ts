import { expect, test } from 'vitest'
import type { Sniff, Sniffer } from '../../src/core/sniffer.js'
import { findSnifferConflicts } from '../../src/plugins/sniffer-conflicts.js'

function startsWith(protocol: string, prefix: string, spoils = false): Sniffer {
  const client = (window: Uint8Array): Sniff => {
    const isMine = Buffer.from(window).toString('latin1').startsWith(prefix)
    if (spoils) window.fill(0)
    return isMine ? 'match' : 'no-match'
  }
  return { protocol, maxBytes: 8, samples: { client: [Buffer.from(prefix)] }, client }
}

test('a sniffer that writes to what it is shown spoils nobody else’s samples', () => {
  const sniffers = [startsWith('vandal', 'A', true), startsWith('victim', 'B'), startsWith('other', 'B')]
  const problems = findSnifferConflicts(sniffers.map((sniffer) => ({ sniffer, owner: `plugin "${sniffer.protocol}"` })))
  expect(problems.map(({ code, between }) => [code, between])).toEqual([
    ['SLUICE_PLUGIN_CONFLICT', ['victim', 'other']],
  ])
  expect(sniffers[1]!.samples.client).toEqual([Buffer.from('B')])
})
