import { z } from 'zod'
import type { StandardSchema } from '../filter.js'
import type { ConfigCode } from './config-codes.js'
import { valueAt, type ConfigPath } from './config-path.js'
import { coreScalar } from './core-scalar.js'
import type { Findings } from './findings.js'
import { got } from './got.js'
import { isZodSchema, optionNames, schemaAt, type JsonSchema } from './json-schema.js'
import { nearestName, suggest } from './nearest-name.js'

/** The parts of zod's issues that are read here; a Standard Schema of another maker has only the first two. */
interface Issue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
  readonly code?: string
  readonly keys?: readonly string[]
  readonly values?: readonly unknown[]
  readonly errors?: readonly (readonly Issue[])[]
  readonly issues?: readonly Issue[]
}

/** What is validated, where it stands, and what is known of it. */
export interface Subject {
  readonly value: unknown
  readonly path: ConfigPath
  /** Of `value`: for the names of options. */
  readonly schema: JsonSchema
  /** Of the map that it stands in, where that is known. */
  readonly around?: JsonSchema | undefined
  readonly findings: Findings
}

/**
 * Runs a schema over a value and reports every issue at its place. Gives the output, or undefined where there is an issue. Throws
 * what the schema throws.
 */
export function validate<O>(
  schema: StandardSchema<unknown, O> | z.ZodType<O>,
  subject: Subject,
): { readonly output: O } | undefined {
  const result = runSchema(schema, subject.value)
  if (!result.issues) return { output: result.value as O }
  // Misspelt options first: what they probably mean is then not missing.
  const isUnknown = (issue: Issue) => issue.code === 'unrecognized_keys'
  for (const issue of result.issues.filter(isUnknown)) reportIssue(issue, subject, [])
  for (const issue of result.issues.filter((each) => !isUnknown(each))) reportIssue(issue, subject, [])
  return undefined
}

/** Reports an option that its map does not know: by the name it probably has, or the place where it probably belongs. */
export function reportUnknownOption(name: string, parent: ConfigPath, subject: Subject): void {
  const path = [...subject.path, ...parent, name]
  const add = (code: ConfigCode, message: string) => subject.findings.add(code, path, message, { at: 'key' })
  const schema = schemaAt(subject.schema, parent) ?? {}
  const around = parent.length > 0 ? schemaAt(subject.schema, parent.slice(0, -1)) : subject.around
  const names = optionNames(schema)
  const owner = names.find((other) => optionNames(itemsOf(schemaAt(schema, [other]))).includes(name))
  const beside = path.at(-2)
  if (owner !== undefined) add('SLUICE_CONFIG_MISPLACED_OPTION', `"${name}" belongs under "${owner}": indent it there`)
  else if (typeof beside === 'string' && around && optionNames(around).includes(name)) {
    add('SLUICE_CONFIG_MISPLACED_OPTION', `"${name}" belongs beside "${beside}", not under it`)
  } else {
    const nearest = nearestName(name, names)
    const hint =
      nearest === undefined
        ? names.length > 0
          ? `There are ${names.join(', ')}.`
          : 'There are none.'
        : suggest(name, names)
    add('SLUICE_CONFIG_UNKNOWN_OPTION', `no option "${name}" here. ${hint}`)
    if (nearest !== undefined && valueAt(subject.value, [...parent, nearest]) === undefined) {
      subject.findings.spoil([...subject.path, ...parent, nearest])
    }
  }
}

/** A list's option names are those of its items. */
function itemsOf(schema: JsonSchema | undefined): JsonSchema {
  return schema?.items ?? schema ?? {}
}

function runSchema(
  schema: StandardSchema | z.ZodType,
  value: unknown,
): { value?: unknown; issues?: readonly Issue[] | undefined } {
  if (isZodSchema(schema)) {
    // Ours, not its method: schemas of zod/mini have none.
    const result = z.safeParse(schema, value, { error: expectation, reportInput: true })
    return result.success ? { value: result.data } : { issues: result.error.issues }
  }
  const result = schema['~standard'].validate(value)
  if (result instanceof Promise) throw new TypeError('its schema is asynchronous; options are checked synchronously')
  return result.issues ? { issues: result.issues } : { value: result.value }
}

/** What zod would say in its own words, in ours; messages that a schema brings itself come first. */
function expectation(issue: z.core.$ZodRawIssue): string | undefined {
  if (issue.code === 'invalid_type') return wrongType(issue.expected, issue.input)
  if (issue.code === 'invalid_value') return expectedOneOf(issue.values, issue.input)
  if (issue.code === 'too_small') return tooSmall(issue)
  if (issue.code !== 'too_big') return undefined
  return issue.origin === 'number' || issue.origin === 'int'
    ? `must be at most ${String(issue.maximum)}, got ${got(issue.input)}`
    : `must not be longer than ${String(issue.maximum)}`
}

function wrongType(expected: string, input: unknown): string {
  const isQuoted = typeof input === 'string' && typeof coreScalar(input) === (expected === 'int' ? 'number' : expected)
  const hint = isQuoted && expected !== 'string' ? '; leave out the quotes' : ''
  return `expected ${TYPE_NAMES[expected] ?? expected}, got ${got(input)}${hint}${expected === 'string' ? quotesHint(input) : ''}`
}

/** YAML takes what looks like one for a number or a truth value. */
function quotesHint(input: unknown): string {
  return typeof input === 'number' || typeof input === 'boolean' ? `; as text it has quotes: "${String(input)}"` : ''
}

const TYPE_NAMES: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a map',
  record: 'a map',
}

function tooSmall(issue: z.core.$ZodRawIssue<z.core.$ZodIssueTooSmall>): string {
  if (issue.origin === 'number' || issue.origin === 'int')
    return `must be at least ${String(issue.minimum)}, got ${got(issue.input)}`
  return issue.minimum === 1 ? 'must not be empty' : `must not be shorter than ${String(issue.minimum)}`
}

function expectedOneOf(values: readonly unknown[], input: unknown): string {
  const names = values.map(String)
  const expected = names.length === 1 ? names[0]! : `${names.slice(0, -1).join(', ')} or ${names.at(-1)}`
  const hint = typeof input === 'string' ? suggest(input, names) : ''
  return `expected ${expected}, got ${got(input)}${hint && `. ${hint}`}`
}

/** `above`: where a union or a map's key led to, below the subject. */
function reportIssue(issue: Issue, subject: Subject, above: ConfigPath): void {
  const below = [...above, ...pathOf(issue)]
  const path = [...subject.path, ...below]
  if (subject.findings.isSpoilt(path)) return
  const value = valueAt(subject.value, below)
  if (issue.code === 'unrecognized_keys') {
    for (const key of issue.keys ?? []) reportUnknownOption(key, below, subject)
  } else if (issue.code === 'invalid_union' && (issue.errors ?? []).length > 0) {
    reportUnion(issue, subject, below, value)
  } else if (issue.code === 'invalid_key') {
    const [first] = issue.issues ?? []
    subject.findings.add('SLUICE_CONFIG_INVALID_VALUE', path, first?.message ?? issue.message, { at: 'key' })
  } else if (issue.code === 'invalid_type' && value === undefined) {
    subject.findings.add('SLUICE_CONFIG_MISSING_OPTION', path, missing(path, schemaAt(subject.schema, below)))
  } else {
    const code = issue.code === 'invalid_type' ? 'SLUICE_CONFIG_WRONG_TYPE' : 'SLUICE_CONFIG_INVALID_VALUE'
    subject.findings.add(code, path, issue.message)
  }
}

/** Of the alternatives the one whose kind fits the value says what is wrong with it; where none fits, all are named. */
function reportUnion(issue: Issue, subject: Subject, below: ConfigPath, value: unknown): void {
  const path = [...subject.path, ...below]
  const alternatives = issue.errors ?? []
  const fitting = alternatives.find((issues) => !issues.some(isOfAnotherKind))
  if (fitting) {
    for (const each of fitting) reportIssue(each, subject, below)
    return
  }
  if (value === undefined) {
    subject.findings.add('SLUICE_CONFIG_MISSING_OPTION', path, missing(path, schemaAt(subject.schema, below)))
    return
  }
  const expected = new Set(
    alternatives.map((issues) => /expected (.*), got /.exec(issues[0]?.message ?? '')?.[1] ?? 'something else'),
  )
  const hint = expected.has('text') ? quotesHint(value) : ''
  const message = `expected ${[...expected].join(', or ')}, got ${got(value)}${hint}`
  subject.findings.add('SLUICE_CONFIG_WRONG_TYPE', path, message)
}

function isOfAnotherKind(issue: Issue): boolean {
  return pathOf(issue).length === 0 && (issue.code === 'invalid_type' || issue.code === 'invalid_value')
}

function missing(path: ConfigPath, schema: JsonSchema | undefined): string {
  const example = exampleOf(schema)
  return `"${String(path.at(-1))}" is missing${example === undefined ? '' : `, for example ${example}`}`
}

/** A value that an option could have, as YAML writes it. */
export function exampleOf(schema: JsonSchema | undefined): string | undefined {
  if (!schema) return undefined
  const own = schema.default ?? schema.examples?.[0] ?? schema.enum?.[0]
  if (typeof own === 'string' || typeof own === 'number' || typeof own === 'boolean') return String(own)
  return exampleOf(schema.anyOf?.[0])
}

function pathOf(issue: Issue): (string | number)[] {
  return (issue.path ?? []).map((segment) => {
    const key = typeof segment === 'object' ? segment.key : segment
    return typeof key === 'symbol' ? String(key) : key
  })
}
