import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { SluiceError } from '../errors.js'
import type { Config } from './config.js'
import { formatPath, isMap, valueAt, type ConfigPath } from './config-path.js'
import { crossCheck } from './cross-checks.js'
import { MAX_CONFIG_BYTES } from './defaults.js'
import { exampleOf } from './describe-issues.js'
import { maskValues, type WrittenConfig } from './effective-config.js'
import type { Environment } from './environment.js'
import { Findings, type LocatedFinding } from './findings.js'
import { got } from './got.js'
import { configSchema, schemaAt } from './json-schema.js'
import { Positions } from './positions.js'
import { assembleConfig, readConfig } from './read-config.js'
import type { Registry } from './registry.js'
import { parseYaml } from './yaml-syntax.js'
import { YamlValues, type EnvironmentValue } from './yaml-values.js'

export interface LoadOptions {
  /** What to call a YAML text in findings: its path as the user gave it. */
  readonly file?: string
  /** Where `${NAME}` is looked up; `process.env` where absent. */
  readonly environment?: Environment
  /** Descriptors that the process may hold; where it is absent, limits are not held against it. */
  readonly descriptorLimit?: number
}

export interface LoadedConfig {
  /** Present where no finding is an error. */
  readonly config?: Config
  /** All there is to say, by position in the file. */
  readonly findings: readonly LocatedFinding[]
  /** As written, where it could be read at all. */
  readonly written?: WrittenConfig
}

/** A configuration whose text is understood, before anything in it is read. */
export interface ParsedConfig {
  readonly file: string | undefined
  /** Plain data with the environment put in; undefined where there is none, which has been said. */
  readonly raw: Readonly<Record<string, unknown>> | undefined
  readonly fromEnvironment: readonly EnvironmentValue[]
  readonly findings: Findings
  readonly positions: Positions
}

/**
 * Reads and checks a configuration: a YAML text, or an object of the same shape. Finds all errors at once; binds and connects
 * nothing. References to the environment are replaced in YAML only: who writes an object has `process.env`. Plugins that it names
 * are not loaded here: what they bring stands in `registry`.
 */
export function loadConfig(source: string | object, registry: Registry, options: LoadOptions = {}): LoadedConfig {
  return readParsedConfig(parseConfig(source, registry, options), registry, options)
}

/** The first half of `loadConfig`: what has to be done before plugins can be looked up. `registry` is for examples in messages. */
export function parseConfig(source: string | object, registry: Registry, options: LoadOptions = {}): ParsedConfig {
  const file = typeof source === 'string' ? (options.file ?? 'sluice.yaml') : undefined
  const positions = new Positions()
  const findings = new Findings(file, positions)
  let raw: unknown = source
  let fromEnvironment: readonly EnvironmentValue[] = []
  if (typeof source === 'string') {
    const parsed = parseYaml(source, findings, positions)
    if (!parsed) return { file, raw: undefined, fromEnvironment, findings, positions }
    const schema = configSchema(registry)
    const exampleFor = (path: ConfigPath) => exampleOf(schemaAt(schema, path))
    const environment = options.environment ?? process.env
    const values = new YamlValues(parsed, { environment, findings, positions, exampleFor })
    raw = values.read()
    fromEnvironment = values.fromEnvironment
  }
  if (!isMap(raw)) {
    if (!findings.isSpoilt([]))
      findings.add('SLUICE_CONFIG_WRONG_TYPE', [], `expected a map of options, got ${got(raw)}`)
    return { file, raw: undefined, fromEnvironment, findings, positions }
  }
  findings.redact = redaction(raw, fromEnvironment)
  return { file, raw, fromEnvironment, findings, positions }
}

/** The second half of `loadConfig`, with all that plugins bring in `registry`. Call it once. */
export function readParsedConfig(
  parsed: ParsedConfig,
  registry: Registry,
  { descriptorLimit }: Pick<LoadOptions, 'descriptorLimit'> = {},
): LoadedConfig {
  const { file, raw, fromEnvironment, findings, positions } = parsed
  if (raw === undefined) return { findings: findings.sorted() }
  const schema = configSchema(registry)
  const read = readConfig(raw, { registry, findings, positions, schema })
  crossCheck(read, { registry, findings, positions, descriptorLimit })
  const written: WrittenConfig = {
    shown: maskValues(withNamedPlugins(raw), fromEnvironment),
    fromEnvironment: fromEnvironment.map(({ path }) => formatPath(path)),
  }
  const result = { findings: findings.sorted(), written }
  return findings.hasErrors ? result : { config: assembleConfig(read, file), ...result }
}

/** Plugins that came as objects are shown by their names. */
function withNamedPlugins(raw: Readonly<Record<string, unknown>>): Readonly<Record<string, unknown>> {
  const { plugins } = raw
  if (!Array.isArray(plugins)) return raw
  return { ...raw, plugins: plugins.map((plugin: unknown) => (isMap(plugin) ? plugin['name'] : plugin)) }
}

/** Reads a configuration file as text. Throws a SluiceError (SLUICE_CONFIG_UNREADABLE) that says why it cannot. */
export async function readConfigFile(path: string): Promise<string> {
  try {
    // Without O_NONBLOCK, opening a named pipe would wait for its writer.
    const handle = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      return await readBounded(handle, path)
    } finally {
      await handle.close()
    }
  } catch (error) {
    if (error instanceof SluiceError) throw error
    throw unreadable(path, reasonOf(error as NodeJS.ErrnoException), error)
  }
}

async function readBounded(handle: Awaited<ReturnType<typeof open>>, path: string): Promise<string> {
  const stats = await handle.stat()
  if (!stats.isFile()) throw unreadable(path, stats.isDirectory() ? 'it is a directory' : 'it is not a file')
  if (stats.size > MAX_CONFIG_BYTES) throw unreadable(path, `it is larger than ${MAX_CONFIG_BYTES} bytes`)
  return await handle.readFile('utf8')
}

function unreadable(path: string, reason: string, cause?: unknown): SluiceError {
  return new SluiceError('SLUICE_CONFIG_UNREADABLE', path, `cannot read ${path}: ${reason}`, { cause })
}

function reasonOf(error: NodeJS.ErrnoException): string {
  if (error.code === 'ENOENT') return 'there is no such file'
  if (error.code === 'EACCES') return 'permission denied'
  return error.message
}

/** A value from the environment may be a secret: messages name the variable instead. */
function redaction(
  raw: unknown,
  fromEnvironment: readonly EnvironmentValue[],
): (path: ConfigPath, message: string) => string {
  const known = new Map(fromEnvironment.map((value) => [formatPath(value.path), value]))
  return (path, message) => {
    const secret = known.get(formatPath(path))
    if (!secret) return message
    const names = secret.variables.map((name) => `\${${name}}`).join(' and ')
    return message.replace(got(valueAt(raw, path)), () => `${got(secret.masked)} from ${names}`)
  }
}
