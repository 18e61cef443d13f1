import { Command } from 'commander'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { defineIntercept } from '../../src/cli/intercept.js'
import { inNamespaces, needNamespaces, NetworkNamespace } from '../support/network-namespaces.js'
import { intercept } from '../support/sidecar.js'
import { fencesOf, read } from './pages.js'

const REFERENCE = 'docs/reference/intercept.md'
const GUIDE = 'docs/guide/beside-a-workload.md'
const programs = await needNamespaces('iptables-nft (iptables)')

describe('the reference of sluice intercept', () => {
  let command: Command

  beforeAll(() => {
    command = new Command('intercept')
    defineIntercept(command, { stdout: { write: () => {} }, stderr: { write: () => {} }, setExitCode: () => {} })
  })

  test('has a row for each option, with its default, and no other', () => {
    const rows = [...read(REFERENCE).matchAll(/^\| (`--[^|]*?) +\| *([^|]*?) *\|/gm)]
    const documented = rows.flatMap(([, names]) => [...names!.matchAll(/`(--[a-z0-9-]+)/g)].map(([, name]) => name!))
    const visible = command.options.filter(({ hidden }) => !hidden)
    expect(documented.sort()).toEqual(visible.map(({ long }) => long!).sort())
    for (const { long, defaultValue } of visible) {
      if (typeof defaultValue !== 'string' && typeof defaultValue !== 'number') continue
      expect([long, rows.find(([, names]) => names!.includes(long!))![2]]).toEqual([long, `\`${defaultValue}\``])
    }
  })

  test('names the options that stand for others', () => {
    const aliases = command.options.filter(({ hidden }) => hidden).map(({ long }) => long!)
    expect(aliases).not.toEqual([])
    for (const alias of aliases) expect(read(REFERENCE)).toContain(`\`${alias}\``)
  })

  test.skipIf(programs.areMissing)('shows the rules as they are printed' + programs.why, async (context) => {
    inNamespaces(context)
    const place = await NetworkNamespace.make('docs')
    onTestFinished(() => place.remove())
    const page = read(REFERENCE)
    const commands = [...page.matchAll(/`sluice intercept (--dry-run [^`]*)` prints\n\n```text\n(.*?)```/gs)]
    expect(commands).toHaveLength(2)
    for (const [, args, printed] of commands) {
      expect((await intercept(place, ...args!.split(' '))).stdout).toBe(printed)
    }
  })
})

describe.skipIf(programs.areMissing)('the guide' + programs.why, () => {
  test('has calls of sluice intercept that work, in its order, and leaves nothing behind', async (context) => {
    inNamespaces(context)
    const place = await NetworkNamespace.make('docs')
    onTestFinished(() => place.remove())
    const lines = fencesOf(GUIDE, 'sh').flatMap(({ text }) => text.split('\n'))
    const calls = lines.filter((line) => line.startsWith('sluice intercept'))
    expect(calls.length).toBeGreaterThan(3)
    for (const call of [...calls, 'sluice intercept --remove']) {
      const result = await intercept(place, ...call.split(' ').slice(2))
      expect([call, result.code]).toEqual([call, 0])
    }
    expect(await place.succeed('iptables-nft-save')).not.toContain('SLUICE')
  })
})
