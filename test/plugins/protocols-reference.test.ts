import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import type { Side } from '../../src/core/side.js'
import type { Sniffer } from '../../src/core/sniffer.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { readCaptures } from '../fixtures/captures.js'
import { latin1 } from './describe-sniffer.js'

const page = readFileSync(new URL('../../docs/reference/protocols.md', import.meta.url), 'utf8')
/** Columns: protocol, from the client, after bytes, from the server, after bytes, facts, specification. */
const rows = page
  .split('## What it is held against')[0]!
  .split('\n')
  .filter((line) => line.startsWith('| `'))
  .map((line) => line.split('|').slice(1, -1))
  .map((cells) => cells.map((cell) => cell.trim()))

test('the reference page has a row for each sniffer', () => {
  expect(rows.map(([protocol]) => protocol).sort()).toEqual(
    builtInSniffers.map(({ protocol }) => `\`${protocol}\``).sort(),
  )
})

test.each(builtInSniffers)('the reference page says after how many bytes $protocol is known', (sniffer) => {
  const row = rows.find(([protocol]) => protocol === `\`${sniffer.protocol}\``)!
  expect([row[2], row[4]]).toEqual([bytesCell(sniffer, 'client'), bytesCell(sniffer, 'server')])
})

test.each(builtInSniffers)('the reference page names the facts of $protocol', (sniffer) => {
  const facts = (['client', 'server'] as const).flatMap((side) =>
    (sniffer.samples[side] ?? []).flatMap((sample) => {
      const verdict = sniffer[side]!(latin1(sample))
      return typeof verdict === 'object' ? Object.keys(verdict.facts) : []
    }),
  )
  const row = rows.find(([protocol]) => protocol === `\`${sniffer.protocol}\``)!
  expect(row[5]).toBe([...new Set(facts)].map((fact) => `\`${fact}\``).join(', '))
})

/** The fewest and the most bytes of its samples until it says yes. */
function bytesCell(sniffer: Sniffer, side: Side): string {
  const counts = (sniffer.samples[side] ?? []).map((sample) => {
    const bytes = latin1(sample)
    return (
      Array.from(bytes, (_, i) => sniffer[side]!(bytes.subarray(0, i + 1))).findIndex(
        (verdict) => verdict !== 'need-more',
      ) + 1
    )
  })
  if (counts.length === 0) return ''
  const [least, most] = [Math.min(...counts), Math.max(...counts)]
  return least === most ? String(least) : `${least} to ${most}`
}

test('the reference page counts captured and written conversations apart', () => {
  const captures = [...readCaptures().values()].flat()
  const table = page.split('<!-- recorded conversations -->')[1]!
  for (const protocol of [...builtInSniffers.map((sniffer) => sniffer.protocol), 'unknown']) {
    const own = captures.filter((capture) => capture.protocol === protocol)
    const captured = own.filter(({ source }) => source.startsWith('captured from ')).length
    expect(table).toContain(`| \`${protocol}\` | ${captured} | ${own.length - captured} | `)
  }
})
