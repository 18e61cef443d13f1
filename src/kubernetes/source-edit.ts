/** A change of a text: what stands from `start` to `end` becomes `text`. An insertion has both at one place. */
export interface SourceEdit {
  readonly start: number
  readonly end: number
  readonly text: string
}

/** Makes all changes at once; their offsets are those of the text before. Of two at one place the earlier in the list goes first. */
export function applyEdits(text: string, edits: readonly SourceEdit[]): string {
  let result = ''
  let taken = 0
  for (const { start, end, text: replacement } of edits.toSorted((a, b) => a.start - b.start || a.end - b.end)) {
    if (start < taken) throw new RangeError(`edits overlap at offset ${start}`)
    result += text.slice(taken, start) + replacement
    taken = end
  }
  return result + text.slice(taken)
}

/** Where the line begins that this offset is on. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1
}

/** Where the next line begins; the end of the text where there is none. */
export function nextLineStart(text: string, offset: number): number {
  const end = text.indexOf('\n', offset)
  return end < 0 ? text.length : end + 1
}

/** How the line before this offset ends, so that what is inserted there ends likewise; on the first line, how that one ends. */
export function newlineAt(text: string, offset: number): '\n' | '\r\n' {
  const before = text.lastIndexOf('\n', offset - 1)
  const end = before < 0 ? text.indexOf('\n') : before
  return end > 0 && text[end - 1] === '\r' ? '\r\n' : '\n'
}
