import { errorText } from '../error-text.js'
import type { CheckContext, FilterDefinition, Needs } from '../filter.js'
import type { FilterConfig } from './config.js'
import { isMap, type ConfigPath } from './config-path.js'
import { validate } from './describe-issues.js'
import { DEFAULT_CHAIN } from './defaults.js'
import type { Findings } from './findings.js'
import { got } from './got.js'
import { optionNames, optionsSchema } from './json-schema.js'
import { nearestName, suggest } from './nearest-name.js'
import type { Positions } from './positions.js'
import type { Registry } from './registry.js'

const NEEDS: readonly unknown[] = ['nothing', 'protocol', 'facts'] satisfies Needs[]

/** What reading a chain takes. */
export interface ChainContext {
  readonly registry: Registry
  readonly findings: Findings
  readonly positions: Positions
}

/** One filter of a chain that could be read, and where its options stand. */
export interface ReadFilter extends FilterConfig {
  readonly optionsPath: ConfigPath
  /** Names of the filters before it, also of those whose options are wrong. */
  readonly before: readonly string[]
}

/** One item of `filters`: the filter that it names, and its options as written. */
interface ChainItem {
  readonly definition: FilterDefinition
  readonly options: unknown
  readonly optionsPath: ConfigPath
}

/**
 * Reads a listener's chain: looks each filter up by its name, then runs that filter's own schema over its options, so that every
 * path is exact. Leaves out what could not be read, having said so.
 */
export function readChain(raw: unknown, path: ConfigPath, context: ChainContext): readonly ReadFilter[] {
  if (context.findings.isSpoilt(path)) return []
  if (!Array.isArray(raw)) {
    context.findings.add('SLUICE_CONFIG_WRONG_TYPE', path, `expected a list of filters, got ${got(raw)}`)
    return []
  }
  if (raw.length === 0) {
    const message =
      'must not be empty: without a filter nothing is done with a connection. Leave it out for the default chain'
    context.findings.add('SLUICE_CONFIG_NO_FILTER', path, message)
    return []
  }
  const items = raw.map((item: unknown, index) => readItem(item, [...path, index], context))
  checkTerminal(items, path, context)
  const names = raw.map(
    (item: unknown, index) => items[index]?.definition.name ?? nearestFilter(item, context.registry),
  )
  return items.flatMap((item, index) => (item ? readOptions(item, names.slice(0, index), context) : []))
}

/** The chain of a listener that names none. `path` is the listener's. */
export function defaultChain(path: ConfigPath, context: ChainContext): readonly ReadFilter[] {
  return DEFAULT_CHAIN.flatMap((name, index) => {
    const definition = context.registry.filters.get(name)
    const before = DEFAULT_CHAIN.slice(0, index)
    if (definition) return readOptions({ definition, options: {}, optionsPath: path }, before, context)
    context.findings.add(
      'SLUICE_CONFIG_UNKNOWN_FILTER',
      path,
      `the default chain needs the filter "${name}", which is not there`,
    )
    return []
  })
}

/** Lets each filter check its options against the rest of the configuration. */
export function checkChain(
  chain: readonly ReadFilter[],
  checkContext: Omit<CheckContext, 'before' | 'optionsBefore'>,
  { findings, registry }: Pick<ChainContext, 'findings' | 'registry'>,
): void {
  for (const [index, { definition, options, optionsPath, before }] of chain.entries()) {
    const optionsBefore = (name: string): unknown =>
      chain.slice(0, index).find((other) => other.definition.name === name)?.options
    const context: CheckContext = { ...checkContext, before, optionsBefore }
    try {
      assertNeeds(definition.needs?.(options))
      assertSilentDestination(definition.whenClientSilent?.(options))
      for (const { code, path, message, severity } of definition.check?.(options, context) ?? []) {
        if (registry.isIncomplete && code === 'SLUICE_CONFIG_UNKNOWN_PROTOCOL') continue
        const at = [...optionsPath, ...path]
        if (!findings.isSpoilt(at)) findings.add(code, at, message, { severity })
      }
    } catch (error) {
      reportFailure(definition, optionsPath, error, findings)
    }
  }
}

/** What start-up will ask, asked already: what is wrong with the answer is the plugin's fault, and found before anything is bound. */
function assertNeeds(needs: unknown): void {
  if (needs === undefined || NEEDS.includes(needs)) return
  throw new TypeError(`needs must be ${NEEDS.map((each) => `'${String(each)}'`).join(', ')}, got ${got(needs)}`)
}

function assertSilentDestination(silent: unknown): void {
  if (silent === undefined) return
  const { afterMs, destination } = (silent ?? {}) as Readonly<Record<string, unknown>>
  if (typeof afterMs === 'number' && afterMs > 0 && typeof destination === 'string') return
  throw new TypeError(`whenClientSilent must give { afterMs, destination }, or nothing, got ${got(silent)}`)
}

/** The filter that a misspelt item probably means, so that nothing later misses it, too. */
function nearestFilter(item: unknown, { filters }: Registry): string {
  const name = isMap(item) ? Object.keys(item)[0] : item
  return (typeof name === 'string' && nearestName(name, filters.keys())) || ''
}

function readItem(item: unknown, path: ConfigPath, context: ChainContext): ChainItem | undefined {
  if (context.findings.isSpoilt(path)) return undefined
  if (typeof item === 'string') return alone(item, path, context)
  if (!isMap(item) || Object.keys(item).length === 0) {
    const message = `expected a filter's name, or its name with options below it, got ${got(item)}`
    context.findings.add('SLUICE_CONFIG_WRONG_TYPE', path, message)
    return undefined
  }
  const names = Object.keys(item)
  const name = names.find((each) => context.registry.filters.has(each))
  if (name === undefined) return reportUnknownFilter(item, path, context)
  const definition = context.registry.filters.get(name)!
  const options = item[name] ?? {}
  const optionsPath = [...path, name]
  if (names.length === 1 || !isMap(options)) return { definition, options, optionsPath }
  return { definition, options: { ...strays(item, name, path, context), ...options }, optionsPath }
}

function alone(name: string, path: ConfigPath, context: ChainContext): ChainItem | undefined {
  const definition = context.registry.filters.get(name)
  if (definition) return { definition, options: {}, optionsPath: [...path, name] }
  reportUnknownName(name, path, context)
  return undefined
}

/** Options that stand beside their filter's name, one level too far left: reported, and read as if they stood under it. */
function strays(
  item: Record<string, unknown>,
  name: string,
  path: ConfigPath,
  context: ChainContext,
): Record<string, unknown> {
  const { registry, findings, positions } = context
  const known = optionNames(optionsSchema(registry.filters.get(name)!))
  const found: Record<string, unknown> = {}
  for (const key of Object.keys(item)) {
    if (key === name) continue
    const pointAt = [...path, key]
    const place = { at: 'key', pointAt } as const
    if (registry.filters.has(key)) {
      const message = `"${key}" is a filter of its own: put a dash before it, "- ${key}"`
      findings.add('SLUICE_CONFIG_MISPLACED_OPTION', path, message, place)
    } else if (known.includes(key)) {
      const message = `"${key}" stands beside "${name}", it belongs under it: ${howToMove(name, key, path, positions)}`
      findings.add('SLUICE_CONFIG_MISPLACED_OPTION', path, message, place)
      positions.move(pointAt, [...path, name, key])
      found[key] = item[key]
    } else {
      const hint = suggest(key, known)
      const message = `"${key}" stands beside "${name}", and is no option of it${hint && `. ${hint}`}`
      findings.add('SLUICE_CONFIG_UNKNOWN_OPTION', path, message, place)
    }
  }
  return found
}

function howToMove(name: string, key: string, path: ConfigPath, positions: Positions): string {
  const [owner, stray] = [positions.ofKey([...path, name]), positions.ofKey([...path, key])]
  const isBlock = owner !== undefined && stray !== undefined && owner.line !== stray.line
  return isBlock ? 'indent it two more spaces' : `${name}: { ${key}: … }`
}

function reportUnknownFilter(item: Record<string, unknown>, path: ConfigPath, context: ChainContext): undefined {
  const [name = ''] = Object.keys(item)
  const named = item['name']
  if (typeof named === 'string' && context.registry.filters.has(named)) {
    const message = `a filter's name comes first, its options below it: "- ${named}: { … }"`
    context.findings.add('SLUICE_CONFIG_UNKNOWN_FILTER', path, message)
  } else reportUnknownName(name, path, context)
}

function reportUnknownName(name: string, path: ConfigPath, { registry, findings }: ChainContext): void {
  const names = [...registry.filters.keys()]
  const nearest = suggest(name, names)
  if (registry.isIncomplete && nearest === '') return
  const hint = nearest || `There are ${names.join(', ')}.`
  findings.add('SLUICE_CONFIG_UNKNOWN_FILTER', path, `no filter "${name}". ${hint}`)
}

/** Last stands a filter that takes the connection over, and only there: what came after it would never run. */
function checkTerminal(
  items: readonly (ChainItem | undefined)[],
  path: ConfigPath,
  { registry, findings }: ChainContext,
): void {
  const terminals = [...registry.filters.values()].filter(({ terminal }) => terminal).map(({ name }) => name)
  items.forEach((item, index) => {
    const isLast = index === items.length - 1
    if (!item || Boolean(item.definition.terminal) === isLast) return
    const { name } = item.definition
    if (isLast) {
      const message = `the last filter must be terminal (${terminals.join(', ')}), "${name}" is not`
      findings.add('SLUICE_CONFIG_NOT_TERMINAL', path, message, { pointAt: [...path, index] })
    } else {
      const message = `"${name}" is terminal: what stands after it never runs. Put it last`
      findings.add('SLUICE_CONFIG_TERMINAL_NOT_LAST', [...path, index], message)
    }
  })
}

function readOptions(
  { definition, options, optionsPath }: ChainItem,
  before: readonly string[],
  context: ChainContext,
): ReadFilter[] {
  try {
    const schema = optionsSchema(definition)
    const valid = validate(definition.options, {
      value: options,
      path: optionsPath,
      schema,
      findings: context.findings,
    })
    return valid ? [{ definition, options: valid.output, optionsPath, before }] : []
  } catch (error) {
    reportFailure(definition, optionsPath, error, context.findings)
    return []
  }
}

/** A plugin's fault, not the configuration's: said where it was met, without ending the check. */
function reportFailure(definition: FilterDefinition, path: ConfigPath, error: unknown, findings: Findings): void {
  findings.add(
    'SLUICE_CONFIG_FILTER_FAILED',
    path,
    `the filter "${definition.name}" failed while its options were checked: ${errorText(error)}`,
  )
}
