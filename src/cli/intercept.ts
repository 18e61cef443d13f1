import { type Command, InvalidArgumentError, Option } from 'commander'
import { type Cidr, parseCidr } from '../core/config/scalar-text.js'
import { describeChange, findChanges, hasIpv6, type InterceptOptions, makeChanges } from '../interception/intercept.js'
import type { InterceptionPlan } from '../interception/interception-plan.js'
import { IPTABLES_MODES, type IptablesMode } from '../interception/iptables.js'
import { parsePortRanges, type PortRange } from '../core/port-ranges.js'
import type { Family } from '../interception/rules.js'
import type { CliIo } from './cli-io.js'
import { UsageError } from './exit-code.js'

/** What `config/sidecar.yaml` listens on, and Linkerd's proxy. */
const INBOUND_PORT = 4143
const OUTBOUND_PORT = 4140
const PROXY_UID = 2102

const MAX_PORT = 65_535
/** uid_t and gid_t have 32 bits; the last value stands for none. */
const MAX_ID = 2 ** 32 - 2
/** Numbers of routing tables have 32 bits; 253 to 255 are the kernel's own. ip-route(8). */
const MIN_MARK = 256
const MAX_MARK = 2 ** 31 - 1

const NOTES = `
Ports are lists of ports and ranges, such as 4222,6222-6333. Left alone are the proxy's own connections, by its uid and gid, and those
over the loopback interface. A second call changes the rules of the first; --remove takes all of them away, and nobody else's.

Examples:
  sluice intercept --dry-run                                     show the rules, and change nothing
  sluice intercept --skip-inbound-ports 22 --skip-outbound-ports 3306
  sluice intercept --remove

Exit codes: 0 done, 1 failed, 2 usage error.`

interface Options {
  readonly mode: 'redirect' | 'tproxy'
  readonly inbound: boolean
  readonly outbound: boolean
  readonly inboundPort: number
  readonly outboundPort: number
  readonly proxyUid: number
  readonly proxyGid?: number
  readonly skipInboundPorts: readonly PortRange[]
  readonly skipOutboundPorts: readonly PortRange[]
  readonly includeInboundPorts?: readonly PortRange[]
  readonly includeOutboundPorts?: readonly PortRange[]
  readonly subnetsToIgnore: readonly Cidr[]
  readonly tproxyMark: number
  readonly iptablesMode: IptablesMode | 'auto'
  readonly ipv6: boolean
  readonly dryRun?: boolean
  readonly remove?: boolean
}

/** Names of the init container of Linkerd, by ours. */
const LINKERD_NAMES: Readonly<Record<string, string>> = {
  '--incoming-proxy-port': '--inbound-port',
  '--outgoing-proxy-port': '--outbound-port',
  '--inbound-ports-to-ignore': '--skip-inbound-ports',
  '--outbound-ports-to-ignore': '--skip-outbound-ports',
  '--ports-to-redirect': '--include-inbound-ports',
  '--simulate': '--dry-run',
}

/** `sluice intercept`: the rules that bring connections to the proxy. */
export function defineIntercept(command: Command, io: CliIo): void {
  command
    .addOption(
      new Option('--mode <mode>', 'how inbound connections get there')
        .choices(['redirect', 'tproxy'])
        .default('redirect'),
    )
    .option('--inbound-port <port>', 'where the proxy takes inbound connections', aPort, INBOUND_PORT)
    .option('--outbound-port <port>', 'where the proxy takes outbound connections', aPort, OUTBOUND_PORT)
    .option('--no-inbound', 'leave inbound connections alone')
    .option('--no-outbound', 'leave outbound connections alone')
    .option('--proxy-uid <uid>', 'user whose connections are left alone: that of the proxy', anId, PROXY_UID)
    .option('--proxy-gid <gid>', 'group whose connections are left alone, too', anId)
    .option('--skip-inbound-ports <ports>', 'inbound ports to leave alone', morePorts, [])
    .option('--skip-outbound-ports <ports>', 'outbound ports to leave alone', morePorts, [])
    .option('--include-inbound-ports <ports>', 'take these inbound ports, and no others', morePorts)
    .option('--include-outbound-ports <ports>', 'take these outbound ports, and no others', morePorts)
    .option('--subnets-to-ignore <subnets>', 'ranges of peers to leave alone, both ways', moreSubnets, [])
    .addOption(
      new Option('--iptables-mode <mode>', 'which rule set').choices(['auto', ...IPTABLES_MODES]).default('auto'),
    )
    .option('--tproxy-mark <number>', 'tproxy: mark of packets, and number of the routing table', aMark, INBOUND_PORT)
    .option('--no-ipv6', 'leave IPv6 alone')
    .option('--dry-run', 'print what would be done, and do nothing')
    .option('--remove', 'take the rules away')
    .addHelpText('after', NOTES)
  const aliases = acceptNamesOfLinkerd(command)
  command.action(async (options: Options) => io.setExitCode(await intercept(withAliases(options, aliases), io)))
}

async function intercept(options: Options, io: CliIo): Promise<number> {
  const plan = options.remove ? undefined : planOf(options)
  const families = familiesOf(options, io)
  const how: InterceptOptions = { iptablesMode: options.iptablesMode, families, mark: options.tproxyMark }
  const changes = await findChanges(plan, how)
  if (options.dryRun) {
    io.stdout.write(changes.map(describeChange).join('\n'))
    return 0
  }
  await makeChanges(changes)
  for (const { iptables, ruleCount } of changes) {
    io.stderr.write(`${iptables.name}: ${ruleCount === 0 ? 'rules removed' : `${ruleCount} rules in place`}\n`)
  }
  if (changes.length === 0) io.stderr.write('nothing to remove\n')
  return 0
}

function planOf(options: Options): InterceptionPlan {
  if (!options.inbound && !options.outbound) throw new UsageError('--no-inbound and --no-outbound leave nothing to do')
  return {
    mode: options.mode,
    inboundPort: options.inbound ? options.inboundPort : undefined,
    outboundPort: options.outbound ? options.outboundPort : undefined,
    proxyUid: options.proxyUid,
    proxyGid: options.proxyGid,
    skipInboundPorts: options.skipInboundPorts,
    skipOutboundPorts: options.skipOutboundPorts,
    includeInboundPorts: options.includeInboundPorts,
    includeOutboundPorts: options.includeOutboundPorts,
    subnetsToIgnore: options.subnetsToIgnore,
    mark: options.tproxyMark,
  }
}

function familiesOf({ ipv6 }: Options, io: CliIo): Family[] {
  if (!ipv6) return ['ipv4']
  if (hasIpv6()) return ['ipv4', 'ipv6']
  io.stderr.write('no IPv6 address here: only IPv4 is intercepted\n')
  return ['ipv4']
}

/** Options that are not shown in the help, and do what ours do: names of options by the names that they stand for. */
function acceptNamesOfLinkerd(command: Command): ReadonlyMap<string, string> {
  const aliases = new Map<string, string>()
  for (const [name, ours] of Object.entries(LINKERD_NAMES)) {
    const option = command.options.find(({ long }) => long === ours)!
    const alias = new Option(option.flags.replace(ours, name)).hideHelp()
    if (option.parseArg) alias.argParser(option.parseArg)
    command.addOption(alias)
    aliases.set(alias.attributeName(), option.attributeName())
  }
  return aliases
}

function withAliases(options: Options, aliases: ReadonlyMap<string, string>): Options {
  const given: Record<string, unknown> = { ...options }
  for (const [alias, name] of aliases) {
    if (given[alias] === undefined) continue
    const both = [given[name], given[alias]]
    given[name] = both.every(Array.isArray) ? both.flat() : given[alias]
  }
  return given as unknown as Options
}

function aPort(text: string): number {
  return wholeNumber(text, 1, MAX_PORT)
}

function anId(text: string): number {
  return wholeNumber(text, 0, MAX_ID)
}

function aMark(text: string): number {
  return wholeNumber(text, MIN_MARK, MAX_MARK)
}

function wholeNumber(text: string, min: number, max: number): number {
  const value = /^\d{1,10}$/.test(text) ? Number(text) : NaN
  if (!(value >= min && value <= max)) throw new InvalidArgumentError(`It must be ${min} to ${max}.`)
  return value
}

/** An option that is given again adds to what it said before. */
function morePorts(text: string, before: readonly PortRange[] = []): readonly PortRange[] {
  // Empty where a script has none.
  if (text.trim() === '') return before
  try {
    return [...before, ...parsePortRanges(text)]
  } catch (error) {
    throw new InvalidArgumentError(`${(error as RangeError).message}.`)
  }
}

function moreSubnets(text: string, before: readonly Cidr[] = []): readonly Cidr[] {
  const items = text
    .split(',')
    .map((item) => item.trim())
    .filter((item) => item !== '')
  const subnets = items.map((item) => {
    const parsed = parseCidr(item)
    if (parsed.problem !== undefined) throw new InvalidArgumentError(`${parsed.problem}.`)
    return parsed.value
  })
  return [...before, ...subnets]
}
