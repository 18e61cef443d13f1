import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { inNamespaces, needNamespaces, NetworkNamespace } from '../support/network-namespaces.js'
import { COMMAND, intercept } from '../support/sidecar.js'
import { temporaryFolder } from '../support/temporary-folder.js'

const programs = await needNamespaces('iptables-nft (iptables)', 'iptables-legacy (iptables)')

/** Rules of somebody else, in every table that is touched, before and after. */
const OTHERS = `*nat
:OTHERS - [0:0]
-A PREROUTING -i eth9 -p tcp -m tcp --dport 80 -j OTHERS
-A OTHERS -j RETURN
-A OUTPUT -o eth9 -j RETURN
COMMIT
*mangle
-A PREROUTING -i eth9 -j MARK --set-xmark 0x7/0xffffffff
COMMIT
`

const MANY_PORTS = Array.from({ length: 31 }, (_, index) => 3000 + index).join(',')

async function namespace(): Promise<NetworkNamespace> {
  const place = await NetworkNamespace.make('rules')
  onTestFinished(() => place.remove())
  return place
}

beforeEach(inNamespaces)

describe.skipIf(programs.areMissing).each(['nft', 'legacy'] as const)(
  'sluice intercept with iptables-%s' + programs.why,
  (mode) => {
    const inMode = ['--iptables-mode', mode]

    async function withRulesOfOthers(): Promise<NetworkNamespace> {
      const place = await namespace()
      for (const name of ['iptables', 'ip6tables']) {
        const { code, stderr } = await place.run(`${name}-${mode}-restore`, ['--noflush'], { input: OTHERS })
        expect([code, stderr]).toEqual([0, ''])
      }
      return place
    }

    /** All tables, the routing rules and our routing table, without the time at which they were asked for. */
    async function everything(place: NetworkNamespace): Promise<string> {
      const texts = [
        await place.succeed(`iptables-${mode}-save`),
        await place.succeed(`ip6tables-${mode}-save`),
        await place.succeed('ip', '-4', 'rule'),
        await place.succeed('ip', '-6', 'rule'),
        // A table that never was is an error to some versions.
        ...(await Promise.all(
          ['-4', '-6'].map(
            async (family) => (await place.run('ip', [family, 'route', 'show', 'table', '4143'])).stdout,
          ),
        )),
      ]
      return texts.join('\n').replaceAll(/^#.*\n/gm, '')
    }

    test.each([
      ['', []],
      [' by TPROXY', ['--mode', 'tproxy']],
      [
        ' with every option',
        [
          '--proxy-gid',
          '2103',
          '--skip-inbound-ports',
          `22,6222-6333,${MANY_PORTS}`,
          '--subnets-to-ignore',
          '10.0.0.0/8,fd00::/8',
          '--include-outbound-ports',
          '80,443',
        ],
      ],
    ])('puts rules in place%s and takes them away, to the byte; a second time changes nothing', async (_, options) => {
      const place = await withRulesOfOthers()
      const before = await everything(place)
      expect(await intercept(place, ...inMode, ...options)).toMatchObject({ code: 0, stdout: '' })
      const once = await everything(place)
      expect(once).not.toBe(before)
      expect(await intercept(place, ...inMode, ...options)).toMatchObject({ code: 0 })
      expect(await everything(place)).toBe(once)
      expect(await intercept(place, '--remove')).toMatchObject({ code: 0 })
      expect(await everything(place)).toBe(before)
      expect(await intercept(place, '--remove')).toMatchObject({ code: 0, stderr: 'nothing to remove\n' })
      expect(await everything(place)).toBe(before)
    })

    test('changes the rules of an earlier call, also from TPROXY to REDIRECT', async () => {
      const place = await withRulesOfOthers()
      await intercept(place, ...inMode, '--inbound-port', '4000')
      const wanted = await everything(place)
      await intercept(place, ...inMode, '--mode', 'tproxy', '--skip-inbound-ports', '1-5')
      expect(await everything(place)).toContain('-j TPROXY')
      await intercept(place, ...inMode, '--inbound-port', '4000')
      expect(await everything(place)).toBe(wanted)
    })

    test('shows with --dry-run what it would do, and does nothing', async () => {
      const place = await namespace()
      const before = await everything(place)
      const { code, stdout } = await intercept(
        place,
        ...inMode,
        '--dry-run',
        '--skip-outbound-ports',
        '4222,6222-6333',
        '--proxy-uid',
        '77',
      )
      expect(code).toBe(0)
      const text = (name: string, linkLocal = ''): string => `# ${name}-${mode}-restore --noflush
*nat
:SLUICE_INBOUND - [0:0]
:SLUICE_OUTBOUND - [0:0]
-A SLUICE_INBOUND -p tcp -j REDIRECT --to-ports 4143
-A SLUICE_OUTBOUND -m owner --uid-owner 77 -j RETURN
-A SLUICE_OUTBOUND -o lo -j RETURN
${linkLocal}-A SLUICE_OUTBOUND -p tcp -m multiport --dports 4222,6222:6333 -j RETURN
-A SLUICE_OUTBOUND -p tcp -j REDIRECT --to-ports 4140
-A PREROUTING -p tcp -j SLUICE_INBOUND
-A OUTPUT -p tcp -j SLUICE_OUTBOUND
COMMIT
`
      expect(stdout).toBe(`${text('iptables')}\n${text('ip6tables', '-A SLUICE_OUTBOUND -d fe80::/10 -j RETURN\n')}`)
      expect(await everything(place)).toBe(before)
      // It is what the tool takes.
      const ipv4 = stdout.split('# ip6tables')[0]!
      expect(await place.run(`iptables-${mode}-restore`, ['--noflush'], { input: ipv4 })).toMatchObject({ code: 0 })
    })

    test('goes on with the rule set that is in use', async () => {
      const place = await withRulesOfOthers()
      expect((await intercept(place)).stderr).toBe(
        `iptables-${mode}-restore: 6 rules in place\nip6tables-${mode}-restore: 7 rules in place\n`,
      )
    })

    test('takes a chain of an older version away, with what leads there', async () => {
      const place = await withRulesOfOthers()
      const before = await everything(place)
      await place.succeed(`ip6tables-${mode}`, '-t', 'nat', '-N', 'SLUICE_STRAY')
      await place.succeed(`ip6tables-${mode}`, '-t', 'nat', '-A', 'OTHERS', '-g', 'SLUICE_STRAY')
      await intercept(place, ...inMode)
      await intercept(place, '--remove')
      expect(await everything(place)).toBe(before)
    })

    test.each([
      ['takes away', ['--remove']],
      ['needs none of', ['--mode', 'redirect']],
    ])('%s routing that was left behind where rules were flushed, or half of it was done', async (_, options) => {
      const place = await withRulesOfOthers()
      const before = await everything(place)
      await intercept(place, ...inMode, '--mode', 'tproxy')
      for (const name of ['iptables', 'ip6tables'])
        expect(await place.run(`${name}-${mode}-restore`, [], { input: OTHERS })).toMatchObject({ code: 0 })
      expect(await everything(place)).toContain('lookup 4143')
      expect(await intercept(place, ...options)).toMatchObject({ code: 0 })
      expect(await everything(place)).not.toContain('lookup 4143')
      await intercept(place, '--remove')
      expect(await everything(place)).toBe(before)
    })

    test('leaves rules of others alone that name its chains in a text', async () => {
      const place = await withRulesOfOthers()
      const text = ['-m', 'comment', '--comment', 'not " -j SLUICE_INBOUND ']
      await place.succeed(`iptables-${mode}`, '-t', 'nat', '-A', 'OTHERS', ...text, '-j', 'RETURN')
      await place.succeed(
        `iptables-${mode}`,
        '-t',
        'nat',
        '-A',
        'OTHERS',
        '-j',
        'LOG',
        '--log-prefix',
        'x -j SLUICE_X ',
      )
      await place.succeed(`iptables-${mode}`, '-t', 'nat', '-A', 'OTHERS', ...text)
      const before = await everything(place)
      await intercept(place, ...inMode)
      await intercept(place, '--remove')
      expect(await everything(place)).toBe(before)
    })

    test('changes nothing, of IPv4 either, where IPv6 would be refused', async () => {
      const place = await withRulesOfOthers()
      const before = await everything(place)
      const folder = await temporaryFolder('refusal')
      onTestFinished(() => folder.remove())
      const refusal = '#!/bin/sh\necho "line: 2 failed" >&2\nexit 1\n'
      await writeFile(join(folder.path, `ip6tables-${mode}-restore`), refusal, { mode: 0o755 })
      const env = { PATH: `${folder.path}:${process.env.PATH}` }
      const made = await place.run(process.execPath, [COMMAND, 'intercept', ...inMode], { env })
      expect(made).toMatchObject({ code: 1, stdout: '' })
      expect(made.stderr).toBe(
        `sluice: ip6tables-${mode}-restore failed: line: 2 failed\nline 2: :SLUICE_INBOUND - [0:0]\n--no-ipv6 leaves IPv6 alone\n`,
      )
      expect(await everything(place)).toBe(before)
    })
  },
)

describe.skipIf(programs.areMissing)('sluice intercept' + programs.why, () => {
  test('takes the names that the init container of Linkerd has', async () => {
    const place = await namespace()
    const ours = await intercept(
      place,
      '--dry-run',
      '--inbound-port',
      '1',
      '--outbound-port',
      '2',
      '--skip-inbound-ports',
      '3,4',
      '--skip-outbound-ports',
      '5',
    )
    const theirs = await intercept(
      place,
      '--simulate',
      '--incoming-proxy-port',
      '1',
      '--outgoing-proxy-port',
      '2',
      '--inbound-ports-to-ignore',
      '3,4',
      '--outbound-ports-to-ignore',
      '5',
    )
    expect(theirs).toEqual(ours)
    expect(ours.stdout).toContain('--dports 3,4')
  })

  test('moves from one rule set to the other, and leaves nothing behind', async () => {
    const place = await namespace()
    await intercept(place, '--iptables-mode', 'legacy', '--mode', 'tproxy')
    await intercept(place, '--iptables-mode', 'nft', '--mode', 'tproxy')
    expect(await place.succeed('iptables-legacy-save')).not.toContain('SLUICE')
    expect(await place.succeed('iptables-nft-save')).toContain('-j TPROXY')
    expect(await place.succeed('ip', 'rule')).toContain('fwmark 0x102f lookup 4143')
  })

  test.each([
    [['--skip-inbound-ports', '25-23'], /"25-23": the end of a range must not be below its beginning/],
    [['--include-outbound-ports', 'http'], /"http" is no port: expected 0 to 65535/],
    [['--subnets-to-ignore', '10.0.0.0/33'], /prefix must be 0 to 32, got "33"/],
    [['--inbound-port', '0'], /It must be 1 to 65535/],
    [['--no-inbound', '--no-outbound'], /leave nothing to do/],
  ])('%j is a usage error', async (args, message) => {
    const place = await namespace()
    const { code, stderr } = await intercept(place, ...args)
    expect(code).toBe(2)
    expect(stderr).toMatch(message)
  })

  test('says so where it may not', async () => {
    const place = await namespace()
    const { code, stderr } = await place.run('setpriv', [
      '--reuid=2102',
      '--clear-groups',
      process.execPath,
      COMMAND,
      'intercept',
    ])
    expect(code).toBe(1)
    expect(stderr).toMatch(/^sluice: iptables-(nft|legacy)-(save|restore) failed: .*([Pp]ermission|root|permitted)/s)
  })
})
