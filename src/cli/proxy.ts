import { type Command, Option } from 'commander'
import { stringify } from 'yaml'
import { ConfigError } from '../core/config-error.js'
import type { LocatedFinding } from '../core/config/findings.js'
import { loadConfig } from '../core/config/load-config.js'
import { DEFAULT_CHAIN } from '../core/config/defaults.js'
import type { Registry } from '../core/config/registry.js'
import type { FilterInput } from '../core/filter-options.js'
import { ACCESS_LOG_FORMATS, type AccessLogFormat } from '../filters/http-metrics/access-log-format.js'
import type { LoadRegistry } from './command-entry.js'
import { UsageError } from './exit-code.js'
import { addOutputOptions, type OutputOptions } from './output-format.js'
import type { ServingIo } from './serving-io.js'

interface ProxyOptions extends OutputOptions {
  readonly admin?: string
  readonly accessLog?: AccessLogFormat
  readonly printConfig?: boolean
}

const NOTES = `
Examples:
  sluice proxy 127.0.0.1:3307 db.internal:4406
  sluice proxy :8080 127.0.0.1:80 --admin 127.0.0.1:4191
  sluice proxy 127.0.0.1:3307 db.internal:4406 --print-config > sluice.yaml

Standard output: a line a connection, and with --access-log one a request. Standard error: the log.
SIGTERM and the first Ctrl-C drain for up to 25 s, the second stops at once.

Exit codes: 0 drained, 1 start failed, 2 usage error, 130 or 143 stopped by a second signal.`

/** What the arguments are called in the configuration that they make. */
const ARGUMENT_AT: Readonly<Record<string, string>> = {
  'listeners[0].address': 'LISTEN',
  'listeners[0].destination': 'DESTINATION',
  'admin.address': '--admin',
}

/** `sluice proxy LISTEN DESTINATION`: one listener with the default chain, without a file. */
export function defineProxy(command: Command, io: ServingIo, loadRegistry: LoadRegistry): void {
  command
    .argument('<listen>', 'where to listen: host:port, or :port for all interfaces; port 0 takes a free one')
    .argument('<destination>', 'where to connect: host:port')
    .option('--admin <address>', 'where /metrics, /ready, /live and /connections are answered (default: nowhere)')
    .addOption(
      new Option('--access-log <format>', 'a line an HTTP request on standard output, too (default: none)').choices(
        ACCESS_LOG_FORMATS,
      ),
    )
    .option('--print-config', 'print the YAML that would do the same, and exit')
    .addHelpText('after', NOTES)
  addOutputOptions(command).action(async (listen: string, destination: string, options: ProxyOptions) => {
    const { admin, accessLog, printConfig, ...output } = options
    const config = {
      ...(admin !== undefined && { admin: { address: admin } }),
      listeners: [{ address: listen, destination, ...(accessLog && { filters: chainWith(accessLog) }) }],
    }
    refuseBadArguments(config, await loadRegistry())
    if (printConfig) {
      io.stdout.write(stringify(config, { lineWidth: 0 }))
      return
    }
    const { serve } = await import('./serve.js')
    io.setExitCode(await serve(config, { ...output, io, title: `to ${destination}`, alwaysShowsConnections: true }))
  })
}

/** The default chain, with requests written down. */
function chainWith(accessLog: AccessLogFormat): readonly FilterInput[] {
  return DEFAULT_CHAIN.map((name) => (name === 'http-metrics' ? { [name]: { accessLog } } : name))
}

/** What is wrong with the configuration is wrong with an argument: a usage error, said in its words. */
function refuseBadArguments(config: object, registry: Registry): void {
  const { findings } = loadConfig(config, registry)
  const errors = findings.filter(({ severity }) => severity === 'error')
  if (errors.length === 0) return
  if (!errors.every(({ path }) => path in ARGUMENT_AT)) throw new ConfigError('the arguments', findings)
  throw new UsageError(errors.map(describeArgument).join('\n'))
}

function describeArgument({ path, message }: LocatedFinding): string {
  return `error: ${ARGUMENT_AT[path]}: ${message}`
}
