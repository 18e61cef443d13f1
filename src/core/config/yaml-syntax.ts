import { LineCounter, parseAllDocuments, type Document, type YAMLParseError } from 'yaml'
import type { Findings } from './findings.js'
import type { Position, Positions } from './positions.js'

/** A YAML text, parsed as far as it goes. */
export interface ParsedYaml {
  readonly document: Document.Parsed
  /** Position of an offset in `document`. */
  position(offset: number): Position
  /** The text between two offsets in `document`. */
  source(start: number, end: number): string
}

/** Text that YAML cannot read as it stands, and could in quotes. */
interface Unquoted {
  readonly start: number
  readonly end: number
  readonly message: string
}

/** An address such as `[::]:443` where a value may begin. */
const BRACKETED_ADDRESS = /(?<=(?:^|[\s,[{])(?:- +)*)\[[0-9A-Fa-f:.]*:[0-9A-Fa-f:.]*\]:\d+/g
const REFERENCE = /\$\{[^}"']*\}/g

/** Keys that are there twice are reported where values are read: the path is known there. */
const PARSE_OPTIONS = { prettyErrors: false, logLevel: 'silent', version: '1.2', uniqueKeys: false } as const

/**
 * Parses one YAML document. Text that only lacks quotes is reported and read as if it had them, so that whatever else is wrong in
 * the file is found too; any other syntax error is reported and ends it, with undefined.
 */
export function parseYaml(text: string, findings: Findings, positions: Positions): ParsedYaml | undefined {
  const source = text.startsWith('\uFEFF') ? text.slice(1) : text
  let quoted = new QuotedText(source, [])
  for (;;) {
    const documents = parseAllDocuments(quoted.text, PARSE_OPTIONS)
    const [document] = documents
    if (
      document === undefined ||
      (document.contents === null && documents.length === 1 && document.errors.length === 0)
    ) {
      findings.addAt('SLUICE_CONFIG_EMPTY', [], 'nothing is in this file; the least it needs is a listener', {
        line: 1,
        column: 1,
      })
      return undefined
    }
    const errors = documents.flatMap((each) => [...each.errors, ...each.warnings])
    const unquoted = quoted.findUnquoted(errors)
    if (unquoted.length > 0) {
      for (const { start, message } of unquoted) {
        findings.addAt('SLUICE_CONFIG_SYNTAX', [], message, quoted.position(start))
      }
      quoted = quoted.quote(unquoted)
      continue
    }
    if (errors.length > 0) {
      reportSyntax(errors, quoted, findings)
      return undefined
    }
    reportSeveral(documents, quoted, findings)
    positions.setValue([], quoted.position(document.contents?.range[0] ?? 0))
    return {
      document,
      position: (offset) => quoted.position(offset),
      source: (start, end) => quoted.text.slice(start, end),
    }
  }
}

/** The source with quotes put in; positions are those of the source. */
class QuotedText {
  readonly #source: string
  readonly #lines = new LineCounter()
  /** Offsets in `text` of what was put in, ascending. */
  readonly #inserted: readonly number[]
  readonly text: string

  constructor(source: string, inserted: readonly number[], text = source) {
    this.#source = source
    this.#inserted = inserted
    this.text = text
    this.#lines.addNewLine(0)
    for (let at = source.indexOf('\n'); at !== -1; at = source.indexOf('\n', at + 1)) this.#lines.addNewLine(at + 1)
  }

  position(offset: number): Position {
    const { line, col } = this.#lines.linePos(offset - this.#inserted.filter((at) => at < offset).length)
    return { line, column: col }
  }

  /** What could be quoted on the lines of these errors. */
  findUnquoted(errors: readonly YAMLParseError[]): Unquoted[] {
    const starts = new Set(errors.map((error) => this.text.lastIndexOf('\n', error.pos[0] - 1) + 1))
    return [...starts].flatMap((start) => unquotedOn(this.lineAt(start), start))
  }

  lineAt(start: number): string {
    const end = this.text.indexOf('\n', start)
    return this.text.slice(start, end === -1 ? undefined : end)
  }

  quote(unquoted: readonly Unquoted[]): QuotedText {
    const added = unquoted.flatMap(({ start, end }) => [start, end]).sort((a, b) => a - b)
    let text = ''
    let last = 0
    for (const at of added) {
      text += `${this.text.slice(last, at)}"`
      last = at
    }
    const before = (offset: number) => added.filter((at) => at <= offset).length
    const inserted = [...this.#inserted.map((at) => at + before(at)), ...added.map((at, index) => at + index)]
    return new QuotedText(
      this.#source,
      inserted.sort((a, b) => a - b),
      text + this.text.slice(last),
    )
  }
}

/** Looks only at lines on which there is an error: elsewhere the same text may be what is meant. */
function unquotedOn(line: string, start: number): Unquoted[] {
  const code = line.replace(/(^|\s)#.*$/, '')
  const found: Unquoted[] = []
  const quoted = [...code.matchAll(/"(?:[^"\\]|\\.)*"|'[^']*'/g)]
  const isQuoted = (at: number) => quoted.some((match) => at > match.index && at < match.index + match[0].length)
  for (const match of code.matchAll(BRACKETED_ADDRESS)) {
    if (isQuoted(match.index)) continue
    found.push(unquoted(match, start, `${match[0]} is a YAML list here: quote it, "${match[0]}"`))
  }
  for (const match of code.matchAll(REFERENCE)) {
    if (isQuoted(match.index)) continue
    found.push(unquoted(match, start, `${match[0]} needs quotes inside { } and [ ]: "${match[0]}"`))
  }
  return found
}

function unquoted(match: RegExpExecArray, lineStart: number, message: string): Unquoted {
  const start = lineStart + match.index
  return { start, end: start + match[0].length, message }
}

/** Only the first: those after it are mostly its consequences. Tabs are reported each. */
function reportSyntax(errors: readonly YAMLParseError[], text: QuotedText, findings: Findings): void {
  const tabs = errors.filter((error) => error.code === 'TAB_AS_INDENT')
  for (const { pos } of tabs) {
    findings.addAt(
      'SLUICE_CONFIG_SYNTAX',
      [],
      'a tab indents this line, and YAML takes only spaces',
      text.position(pos[0]),
    )
  }
  const [first] = errors
  if (tabs.length > 0 || !first) return
  findings.addAt('SLUICE_CONFIG_SYNTAX', [], describeSyntax(first), text.position(first.pos[0]))
}

/** In words that help, where the parser's do not. */
function describeSyntax({ code, message }: YAMLParseError): string {
  if (code === 'MULTILINE_IMPLICIT_KEY')
    return 'not YAML: an option begins on the next line; is a colon missing at the end of this one?'
  if (code === 'MISSING_CHAR' && message.includes('quote')) return 'not YAML: a quote is not closed'
  return `not YAML: ${message}`
}

function reportSeveral(documents: readonly Document.Parsed[], text: QuotedText, findings: Findings): void {
  const second = documents[1]
  if (!second) return
  const position = text.position(second.contents?.range[0] ?? second.range[0])
  findings.addAt(
    'SLUICE_CONFIG_SEVERAL_DOCUMENTS',
    [],
    'a second YAML document begins here: one file holds one configuration',
    position,
  )
}
