import { isMap, type CST, type YAMLMap, type YAMLSeq } from 'yaml'
import { lineStart, newlineAt, nextLineStart, type SourceEdit } from './source-edit.js'
import { writeBlock, writeFlowEntry, writeFlowLines, type NewEntry } from './write-entries.js'

/** From the first to behind the last character that has a meaning: no comment, no space around it. */
export interface SourceRange {
  readonly start: number
  readonly end: number
}

type CollectionToken = CST.BlockMap | CST.BlockSequence | CST.FlowCollection
type Item = CollectionToken['items'][number]

/** What says something in YAML beside values: comments, spaces and line ends do not. */
const MEANINGLESS = new Set(['space', 'comment', 'newline'])
/** A node's properties, and what introduces a node. */
const INTRODUCTIONS = new Set(['map-value-ind', 'anchor', 'tag'])

/**
 * A map or a list as it stands in the text. Says which edits add entries or take them away, so that all else stays as it is: whole
 * lines where the collection is spread over lines, else a part of its line.
 */
export class SourceCollection {
  readonly #text: string
  readonly #token: CollectionToken
  readonly #isMap: boolean
  /** The entry of a map whose value this is; absent for a root and for an item of a list. */
  readonly #introducedBy: SourceItem | undefined
  /** Where each entry stands, in order. */
  readonly entries: readonly SourceRange[]

  constructor(text: string, node: YAMLMap | YAMLSeq, introducedBy: SourceItem | undefined) {
    this.#text = text
    this.#token = node.srcToken as CollectionToken
    this.#isMap = isMap(node)
    this.#introducedBy = introducedBy
    this.entries = this.#token.items.filter((item) => isEntry(item)).map((item) => rangeOf(item))
  }

  get isFlow(): boolean {
    return this.#token.type === 'flow-collection'
  }

  /** Adds entries before all others. Block collections get lines; flow collections too, where the bracket ends its line. */
  insertFirst(added: readonly NewEntry[]): SourceEdit {
    if (this.#token.type === 'flow-collection') return this.#insertFirstInFlow(this.#token, added)
    const offset = this.#front()
    if (offset === undefined) return this.insertLast(added)
    return this.#lines(offset, writeBlock(added, this.#isMap, this.#indent()))
  }

  /** Adds entries behind all others, and behind the comments that belong to the last one. */
  insertLast(added: readonly NewEntry[]): SourceEdit {
    if (this.#token.type === 'flow-collection') return this.#insertLastInFlow(this.#token, added)
    return this.#lines(this.#back(), writeBlock(added, this.#isMap, this.#indent()))
  }

  /** Takes entries away, given in their order: their lines, where nothing else is on them. The inverse of the insertions. */
  remove(indexes: readonly number[]): SourceEdit[] {
    const ranges = indexes.map((index) => this.entries[index]!)
    if (!this.isFlow) {
      const lines = ranges.map((range) => linesOf(this.#text, range))
      return joined(lines, (before, after) => before.end === after.start).map((run) => removeLines(this.#text, run))
    }
    // Neighbours go together, so that each comma goes once.
    const areNeighbours = (before: SourceRange, after: SourceRange): boolean =>
      this.entries.indexOf(after) === this.entries.indexOf(before) + 1
    return joined(ranges, areNeighbours).map((run) => removeFromFlow(this.#text, run))
  }

  /** Where lines go that come before the first entry, and before the comments above it; undefined where there is no such place. */
  #front(): number | undefined {
    const introduction = this.#introducedBy?.introductionEnd
    const below = introduction === undefined ? Infinity : nextLineStart(this.#text, introduction)
    if (below <= this.entries[0]!.start) return below
    const first = this.entries.find(({ start }) => this.#startsItsLine(start))
    return first && lineStart(this.#text, first.start)
  }

  /** Where lines go that come behind the last entry. */
  #back(): number {
    const end = this.entries.at(-1)!.end
    let offset = end === lineStart(this.#text, end) ? end : nextLineStart(this.#text, end)
    const isComment = new RegExp(`[ ]{${this.#indent().length + 1},}#`, 'y')
    for (;;) {
      isComment.lastIndex = offset
      if (offset === this.#text.length || !isComment.test(this.#text)) return offset
      offset = nextLineStart(this.#text, offset)
    }
  }

  /** What stands before each entry: entries of one block collection are in one column. */
  #indent(): string {
    const { start } = this.entries[0]!
    return indentTo(this.#text, start)
  }

  #startsItsLine(offset: number): boolean {
    return /^[ \t]*$/.test(this.#text.slice(lineStart(this.#text, offset), offset))
  }

  #lines(offset: number, lines: readonly string[]): SourceEdit {
    return insertLines(this.#text, offset, lines)
  }

  #insertFirstInFlow({ start: opening }: CST.FlowCollection, added: readonly NewEntry[]): SourceEdit {
    const offset = opening.offset + 1
    const hasEntries = this.entries.length > 0
    if (/^[ \t]*(#[^\n]*)?\r?\n/.test(this.#text.slice(offset, nextLineStart(this.#text, offset)))) {
      const lines = writeFlowLines(added, this.#isMap, this.#flowIndent()).map((entry, index, all) => {
        return index < all.length - 1 || hasEntries ? `${entry},` : entry
      })
      return this.#lines(nextLineStart(this.#text, offset), lines)
    }
    const entries = added.map((entry) => writeFlowEntry(entry, this.#isMap)).join(', ')
    return { start: offset, end: offset, text: hasEntries ? `${entries}, ` : entries }
  }

  #insertLastInFlow(token: CST.FlowCollection, added: readonly NewEntry[]): SourceEdit {
    if (this.entries.length === 0) return this.#insertFirstInFlow(token, added)
    const closing = token.end[0]!
    const comma = trailingComma(token)
    if (this.#startsItsLine(closing.offset)) {
      const indent = this.#flowIndent()
      const lines = writeFlowLines(added, this.#isMap, indent).map((entry, index) => {
        return index === 0 && comma !== undefined ? entry : `${indent}, ${entry.slice(indent.length)}`
      })
      return this.#lines(lineStart(this.#text, closing.offset), lines)
    }
    const offset = comma === undefined ? this.entries.at(-1)!.end : comma + 1
    const entries = added.map((entry) => writeFlowEntry(entry, this.#isMap)).join(', ')
    return { start: offset, end: offset, text: comma === undefined ? `, ${entries}` : `${entries}, ` }
  }

  /** How far lines within the brackets are indented: as the first entry that starts its line, else beyond the line of the bracket. */
  #flowIndent(): string {
    const first = this.entries.find(({ start }) => this.#startsItsLine(start))
    if (first) return this.#text.slice(lineStart(this.#text, first.start), first.start)
    const opening = lineStart(this.#text, this.#token.offset)
    const outer = /^[ \t]*/.exec(this.#text.slice(opening, this.#token.offset))![0]
    return outer + (outer.startsWith('\t') ? '\t' : '  ')
  }
}

/** An entry of a map: its key, what introduces its value, and the value. */
export class SourceItem {
  readonly #item: Item

  constructor(item: Item) {
    this.#item = item
  }

  /** Behind the colon, and behind the anchor and the tag of the value; undefined where there is no colon. */
  get introductionEnd(): number | undefined {
    const last = this.#item.sep?.findLast(({ type }) => INTRODUCTIONS.has(type))
    return last && last.offset + last.source.length
  }

  /** In which column the entry stands, as the white space that leads there. */
  indent(text: string): string {
    return indentTo(text, rangeOf(this.#item).start)
  }
}

/** Whole lines at the beginning of a line, or at the end of a text whose last line has no end: then that one gets one instead. */
export function insertLines(text: string, offset: number, lines: readonly string[]): SourceEdit {
  const newline = newlineAt(text, offset)
  // What is written over several lines has the ends of this text.
  const inserted = lines.join('\n').split('\n').join(newline)
  const isBehindOpenLine = offset === text.length && offset > 0 && !text.endsWith('\n')
  return { start: offset, end: offset, text: isBehindOpenLine ? newline + inserted : inserted + newline }
}

/** The white space that leads to a place in a column. */
function indentTo(text: string, offset: number): string {
  const before = text.slice(lineStart(text, offset), offset).replace(/^\uFEFF/, '')
  return /^[ \t]*$/.test(before) ? before : ' '.repeat(before.length)
}

/** The lines that an entry of a block collection is on, its last line's end included. */
function linesOf(text: string, { start, end }: SourceRange): SourceRange {
  return { start: lineStart(text, start), end: end === lineStart(text, end) ? end : nextLineStart(text, end) }
}

/** Ranges in order, with those made one that belong together. */
function joined(
  ranges: readonly SourceRange[],
  belong: (before: SourceRange, after: SourceRange) => boolean,
): SourceRange[] {
  const runs: SourceRange[] = []
  ranges.forEach((range, index) => {
    const before = ranges[index - 1]
    if (before && belong(before, range)) runs.push({ start: runs.pop()!.start, end: range.end })
    else runs.push(range)
  })
  return runs
}

function removeLines(text: string, { start, end }: SourceRange): SourceEdit {
  if (end < text.length || text.endsWith('\n')) return { start, end, text: '' }
  // The lines at the end of a text without a last line end came with the line end before them.
  return { start: start - newlineAt(text, start).length, end, text: '' }
}

function removeFromFlow(text: string, { start, end }: SourceRange): SourceEdit {
  const from = lineStart(text, start)
  const to = nextLineStart(text, end)
  const isAlone = /^[ \t]*(, )?$/.test(text.slice(from, start)) && /^,?[ \t]*\r?\n$/.test(text.slice(end, to))
  if (isAlone) return { start: from, end: to, text: '' }
  const behind = /^, ?/.exec(text.slice(end, end + 2))
  if (behind) return { start, end: end + behind[0].length, text: '' }
  return { start: text.startsWith(', ', start - 2) ? start - 2 : start, end, text: '' }
}

function trailingComma({ items }: CST.FlowCollection): number | undefined {
  const last = items.at(-1)
  return last && !isEntry(last) ? last.start.find(({ type }) => type === 'comma')?.offset : undefined
}

/** Comments behind the last entry, and a comma there, are items of their own in the syntax tree. */
function isEntry({ start, key, sep, value }: Item): boolean {
  return Boolean(key) || Boolean(value) || Boolean(sep?.length) || start.some(({ type }) => type === 'seq-item-ind')
}

function rangeOf(item: Item): SourceRange {
  const first = item.start.find(({ type }) => !MEANINGLESS.has(type) && type !== 'comma')
  const start = first?.offset ?? item.key?.offset ?? item.value?.offset ?? item.sep?.[0]?.offset ?? 0
  return { start, end: endOfItem(item) ?? start }
}

function endOfItem({ start, key, sep, value }: Item): number | undefined {
  return (value && endOfToken(value)) ?? endOfLast(sep) ?? (key && endOfToken(key)) ?? endOfLast(start)
}

function endOfLast(tokens: readonly CST.SourceToken[] | undefined): number | undefined {
  const last = tokens?.findLast(({ type }) => !MEANINGLESS.has(type))
  return last && last.offset + last.source.length
}

/** Behind the last character of a node. A block scalar ends behind its last line end. */
function endOfToken(token: CST.Token): number | undefined {
  switch (token.type) {
    case 'block-map':
    case 'block-seq':
      return endOfItem(token.items.findLast((item) => isEntry(item))!)
    case 'flow-collection':
      return endOfLast(token.end)
    case 'block-scalar':
      return (
        token.props.reduce((length, prop) => length + ('source' in prop ? prop.source.length : 0), token.offset) +
        token.source.length
      )
    default:
      return 'source' in token ? token.offset + token.source.length : undefined
  }
}
