import { readFile } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { readConfigFile } from '../core/config/load-config.js'
import type { Registry } from '../core/config/registry.js'
import { injectManifest, type InjectionContext, type InjectionResult } from '../kubernetes/inject-manifest.js'
import {
  conflictIn,
  defaultSettings,
  type InjectionSettings,
  registryPrefix,
  type Setting,
  SETTINGS,
} from '../kubernetes/injection-settings.js'
import { Manifest, ManifestError } from '../kubernetes/manifest.js'
import { configChanger, portsOfConfig, type SidecarPorts } from '../kubernetes/sidecar-config.js'
import type { LoadRegistry } from './command-entry.js'
import { convertManifests } from './convert-manifests.js'
import { EXIT_FAILED, UsageError } from './exit-code.js'
import { injectionReport } from './injection-report.js'
import { packageVersion } from './package-version.js'
import { joinManifests, readManifests } from './read-manifests.js'
import type { StreamingIo } from './streaming-io.js'

/** What the image of the proxy is configured with; shipped with the package. */
const IMAGE_CONFIG = new URL('../../config/sidecar.yaml', import.meta.url)

const NOTES = `
Examples:
  sluice inject deployment.yml --skip-outbound-ports=4406 | kubectl apply -f -
  kubectl get deploy -o yaml | sluice inject - | kubectl apply -f -
  sluice inject manifests/ > injected.yaml
  sluice uninject injected.yaml

Manifests go to standard output with nothing but lines added, the report to standard error. An annotation config.sluice.dev/KEY of a
pod template, with the name of a flag as its key, wins over the flag; sluice.dev/inject: disabled leaves a workload alone.

Exit codes: 0 done, 1 a manifest cannot be read or injected, and nothing was written, 2 usage error or unreadable file.`

interface InjectOptions extends Partial<Record<string, unknown>> {
  readonly config?: string
  readonly registry?: string
  readonly output: 'yaml' | 'json'
}

/** `sluice inject`: puts a sidecar into manifests. */
export function defineInject(command: Command, io: StreamingIo, loadRegistry: LoadRegistry): void {
  command.argument('<manifests...>', 'files, folders, or - for standard input')
  for (const setting of SETTINGS) command.addOption(optionFor(setting))
  command
    .option('--registry <prefix>', 'where both images are, such as registry.example.com/team', refusing(registryPrefix))
    .option('--config <file>', 'a configuration to carry along, in place of the one of the image')
    .addOption(new Option('-o, --output <format>', 'what to write').choices(['yaml', 'json']).default('yaml'))
    .addOption(new Option('--manual', 'as Linkerd calls what is always done here').hideHelp())
    .addHelpText('after', NOTES)
    .action(async (names: string[], options: InjectOptions) => {
      io.setExitCode(await inject(names, options, io, await loadRegistry()))
    })
}

function optionFor(setting: Setting): Option {
  const { name, key, argument, help } = setting
  if (argument === undefined) return new Option(name === 'proxyAwait' ? `--no-${key}` : `--${key}`, help)
  const value = defaultSettings(packageVersion())[name]
  const isShown = typeof value === 'string' || typeof value === 'number'
  const shown = isShown ? `${help} (default: ${value})` : help
  return new Option(`--${key} ${argument}`, shown).argParser(refusing((text) => setting.parse(text)))
}

/** What a value is not, said as of an option. */
function refusing<T>(parse: (text: string) => T): (text: string) => T {
  return (text) => {
    try {
      return parse(text)
    } catch (error) {
      if (error instanceof RangeError) throw new InvalidArgumentError(error.message)
      throw error
    }
  }
}

async function inject(
  names: readonly string[],
  options: InjectOptions,
  io: StreamingIo,
  registry: Registry,
): Promise<number> {
  const context = await contextFor(options, registry)
  const sources = await readManifests(names, io)
  const injected = convertManifests(sources, io, (text) => {
    const { text: result, results } = injectManifest(text, context)
    return { text: options.output === 'json' ? asJson(result) : result, results }
  })
  if (!injected) return EXIT_FAILED
  await io.writeAnswer(joinManifests(injected.map((each) => each.text)))
  io.stderr.write(injectionReport(injected.flatMap(({ results }): readonly InjectionResult[] => results)))
  return 0
}

async function contextFor(options: InjectOptions, registry: Registry): Promise<InjectionContext> {
  const version = packageVersion()
  const file = options.config
  const given = Object.fromEntries(
    SETTINGS.map(({ name }) => [name, options[name]]).filter(([, value]) => value !== undefined),
  ) as Partial<InjectionSettings>
  const carried = file === undefined ? undefined : { file, text: await readConfigFile(file) }
  const ports = carried && usage(() => portsOfConfig(carried.file, carried.text, registry))
  const settings: InjectionSettings = {
    ...defaultSettings(version),
    ...images(options.registry, version),
    ...ports,
    ...given,
  }
  const conflict = conflictIn(settings)
  if (conflict !== undefined) throw new UsageError(conflict)
  if (carried && ports) {
    const configFor: InjectionContext['configFor'] = (own) => {
      checkAgainst(carried.file, ports, own)
      return carried.text
    }
    usage(() => configFor(settings))
    return { version, settings, configFor }
  }
  const imageConfig = await readFile(IMAGE_CONFIG, 'utf8')
  return { version, settings, configFor: configChanger(imageConfig, registry) }
}

function images(prefix: string | undefined, version: string): Partial<InjectionSettings> {
  if (prefix === undefined) return {}
  const { proxyImage, initImage } = defaultSettings(version)
  return { proxyImage: `${prefix}/${proxyImage}`, initImage: `${prefix}/${initImage}` }
}

/** What a configuration that is carried along says itself cannot be said otherwise. */
function checkAgainst(file: string, ports: SidecarPorts, settings: InjectionSettings): void {
  const { inboundPort, outboundPort, adminPort, opaquePorts } = settings
  if (inboundPort !== ports.inboundPort)
    throw new RangeError(`inbound-port is ${inboundPort}, and ${ports.inboundPort} in ${file}`)
  if (outboundPort !== ports.outboundPort)
    throw new RangeError(`outbound-port is ${outboundPort}, and ${ports.outboundPort} in ${file}`)
  if (adminPort !== ports.adminPort)
    throw new RangeError(`admin-port is ${adminPort}, and ${ports.adminPort} in ${file}`)
  if (opaquePorts.length > 0) throw new RangeError(`opaque-ports: say it in ${file}, with the filter port-override`)
}

function usage<T>(work: () => T): T {
  try {
    return work()
  } catch (error) {
    if (error instanceof RangeError) throw new UsageError(error.message)
    throw error
  }
}

/** Every document as JSON, one behind the other, which kubectl reads. Comments are gone. Throws a ManifestError where more would be. */
function asJson(text: string): string {
  const manifest = new Manifest(text)
  const inexact = manifest.documents.flatMap((document) => document.inexactNumbers())
  if (inexact.length > 0) throw new ManifestError(inexact)
  const documents = manifest.documents.map(({ data }) => data).filter((data) => data !== null)
  return documents.map((data) => `${JSON.stringify(data, null, 2)}\n`).join('')
}
