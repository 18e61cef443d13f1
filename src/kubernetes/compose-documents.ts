import {
  Composer,
  type CST,
  type Document,
  type DocumentOptions,
  type LineCounter,
  type ParsedNode,
  Parser,
  type ParseOptions,
  type SchemaOptions,
} from 'yaml'
import type { SourceRange } from './source-collection.js'

/**
 * The documents of a text: YAML with separators, or JSON values one behind the other, as kubectl reads both. Offsets are those of the
 * whole text. Errors are in the documents.
 */
export function composeDocuments(
  text: string,
  lines: LineCounter,
  options: ParseOptions & DocumentOptions & SchemaOptions,
): Document.Parsed<ParsedNode>[] {
  for (let start = 0; start <= text.length; start = text.indexOf('\n', start) + 1 || Infinity) lines.addNewLine(start)
  const composer = new Composer<ParsedNode>(options)
  return [...composer.compose(tokensOf(text))] as Document.Parsed<ParsedNode>[]
}

/** Whether a text is JSON and nothing else: one object, or several one behind the other. */
export function isJsonText(text: string): boolean {
  return jsonValues(text).length > 0
}

function* tokensOf(text: string): Generator<CST.Token> {
  const values = jsonValues(text)
  if (values.length < 2) yield* new Parser().parse(text)
  else
    for (const { start, end } of values) {
      for (const token of new Parser().parse(text.slice(start, end))) {
        shift(token, start)
        yield token
      }
    }
}

/** Where the JSON objects of a text are that has nothing else in it; empty where it has. */
function jsonValues(text: string): SourceRange[] {
  const values: SourceRange[] = []
  for (let start = startOfValue(text, 0); start < text.length; start = startOfValue(text, values.at(-1)!.end)) {
    const end = endOfObject(text, start)
    if (end === undefined || !isJson(text.slice(start, end))) return []
    values.push({ start, end })
  }
  return values
}

function startOfValue(text: string, from: number): number {
  const blanks = /[\uFEFF \t\r\n]*/y
  blanks.lastIndex = from
  return from + blanks.exec(text)![0].length
}

/** Behind the bracket that closes the one at `start`; undefined where there is none. */
function endOfObject(text: string, start: number): number | undefined {
  if (text[start] !== '{') return undefined
  const token = /"(?:[^"\\]|\\.)*"|[{}]/gs
  token.lastIndex = start
  let depth = 0
  for (let found = token.exec(text); found; found = token.exec(text)) {
    if (found[0] === '{') depth++
    else if (found[0] === '}' && --depth === 0) return token.lastIndex
  }
  return undefined
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text)
    return true
  } catch {
    return false
  }
}

/** Every token in a token has an offset of its own. */
function shift(token: object, by: number): void {
  if ('offset' in token && typeof token.offset === 'number') token.offset += by
  for (const part of Object.values(token) as unknown[]) {
    if (typeof part === 'object' && part !== null) shift(part, by)
  }
}
