import { isMap } from './config-path.js'
import { configSchema, optionsSchema, schemaAt, type JsonSchema } from './json-schema.js'
import type { Registry } from './registry.js'

/** A generated region of a page: what its options are of, and what stands in it. */
const REGION = /(<!-- options of ([^>]+?) -->\n)[\s\S]*?(<!-- end of options -->)/g

/** The tests of an option of a subject, in Markdown; empty where there are none. */
export type TestsOf = (subject: string, option: string) => string

/** An option of a table. */
export interface OptionRow {
  readonly name: string
  /** It has options of its own, or is a list of what has some: they have a table of their own. */
  readonly hasOptions: boolean
}

/**
 * Puts the tables of options into a page, between `<!-- options of listeners.0 -->` and `<!-- end of options -->`. Named is a path in
 * the configuration, where any name stands for one of a map's keys (`upstreams.NAME`), or a filter (`filter detect`) or a part of its
 * options (`filter detect sniffers.NAME`), or `the file`. Where an option of a table has tests, they stand beside it.
 */
export function fillOptionTables(page: string, registry: Registry, testsOf: TestsOf = () => ''): string {
  return page.replace(REGION, (_region, begin: string, subject: string, end: string) => {
    const table = optionTable(schemaOf(subject, registry), (option) => testsOf(subject, option))
    return `${begin}\n${table}\n${end}`
  })
}

/** What the tables of a page are of. */
export function subjectsOf(page: string): string[] {
  return [...page.matchAll(REGION)].map(([, , subject]) => subject!)
}

/** The options in the table of a subject. */
export function optionRows(subject: string, registry: Registry): OptionRow[] {
  return optionsOf(schemaOf(subject, registry)).map(([name, option]) => ({ name, hasOptions: hasOptions(option) }))
}

/** A Markdown table with a row for each option of a map. */
function optionTable(schema: JsonSchema, testsOf: (option: string) => string): string {
  const options = optionsOf(schema)
  if (options.length === 0) return 'It has no options.\n'
  const areTested = options.some(([name]) => testsOf(name) !== '')
  const columns = ['option', 'value', 'default', 'what it does', ...(areTested ? ['tested by'] : [])]
  const rows = options.map(([name, option]) => [
    `\`${name}\``,
    valueOf(option),
    defaultOf(name, option, schema),
    escapeCell(option.description ?? ''),
    ...(areTested ? [testsOf(name) || (hasOptions(option) ? 'each of its options' : '')] : []),
  ])
  // Its columns would be filled up with blanks, and every line would change with one.
  return ['<!-- prettier-ignore -->', ...[columns, columns.map(() => '---'), ...rows].map(tableLine), ''].join('\n')
}

function tableLine(cells: readonly string[]): string {
  return `| ${cells.join(' | ')} |`
}

function hasOptions(option: JsonSchema): boolean {
  return [option, ...(option.items ? [option.items] : [])].some((each) => optionsOf(each).length > 0)
}

function schemaOf(subject: string, registry: Registry): JsonSchema {
  const schema = subject.startsWith('filter ')
    ? filterOptions(subject.slice('filter '.length), registry)
    : partOf(subject, registry)
  if (!schema) throw new TypeError(`no options of ${subject}`)
  return schema
}

/** Of a filter, or of a part of its options: `detect sniffers.PROTOCOL`. */
function filterOptions(subject: string, { filters }: Registry): JsonSchema | undefined {
  const [name, part] = subject.split(' ')
  const definition = filters.get(name!)
  const schema = definition && optionsSchema(definition)
  return schema && part !== undefined ? schemaAt(schema, pathOf(part)) : schema
}

function partOf(subject: string, registry: Registry): JsonSchema | undefined {
  return schemaAt(configSchema(registry), subject === 'the file' ? [] : pathOf(subject))
}

function pathOf(text: string): (string | number)[] {
  return text.split('.').map((segment) => (/^\d+$/.test(segment) ? Number(segment) : segment))
}

function optionsOf(schema: JsonSchema): [string, JsonSchema][] {
  return [schema, ...(schema.anyOf ?? [])].flatMap((each) => Object.entries(each.properties ?? {}))
}

function valueOf(option: JsonSchema): string {
  const values = option.enum ?? (option.const === undefined ? undefined : [option.const])
  if (values) return values.map((value) => `\`${JSON.stringify(value).replaceAll('"', '')}\``).join(', ')
  const alternatives = option.anyOf ?? option.oneOf
  if (alternatives) return [...new Set(alternatives.map(valueOf))].join(', or ')
  if (option.type === 'string')
    return option.examples ? `such as ${option.examples.map((each) => `\`${String(each)}\``).join(', ')}` : 'text'
  if (option.type === 'integer') return `whole number${boundsOf(option)}`
  if (option.type === 'number') return `number${boundsOf(option)}`
  if (option.type === 'boolean') return '`true`, `false`'
  if (option.type === 'array') return isSimple(option.items) ? `list: ${valueOf(option.items)}` : 'list'
  return option.type === 'object' ? 'map' : 'any'
}

/** Fit for a cell: a chain's items have two alternatives for each filter, and items of any kind say nothing. */
function isSimple(items: JsonSchema | undefined): items is JsonSchema {
  return items !== undefined && items.oneOf === undefined && Object.keys(items).length > 0
}

function boundsOf({ minimum, maximum }: JsonSchema): string {
  const from = minimum !== undefined && minimum > Number.MIN_SAFE_INTEGER ? `from ${minimum}` : ''
  const to = maximum !== undefined && maximum < Number.MAX_SAFE_INTEGER ? `to ${maximum}` : ''
  return [from, to]
    .filter((part) => part !== '')
    .map((part) => ` ${part}`)
    .join('')
}

function defaultOf(name: string, option: JsonSchema, parent: JsonSchema): string {
  if (option.default !== undefined)
    return isMap(option.default) || option.default === ''
      ? ''
      : `\`${JSON.stringify(option.default).replaceAll('"', '')}\``
  const required = [parent, ...(parent.anyOf ?? [])].flatMap((each) => each.required ?? [])
  return required.includes(name) ? 'required' : ''
}

function escapeCell(text: string): string {
  return text.replaceAll('|', '\\|').replaceAll('\n', ' ')
}
