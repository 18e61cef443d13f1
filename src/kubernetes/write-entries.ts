import { stringify } from 'yaml'

/** What is added to a map (a key and a value) or to a list (a value). */
export interface NewEntry {
  /** Absent in a list. */
  readonly key?: string
  readonly value: unknown
}

/**
 * Block lines without line ends, each indented. Strings are quoted where YAML 1.1 would take them for something else: that is what
 * Kubernetes reads.
 */
export function writeBlock(entries: readonly NewEntry[], isMap: boolean, indent: string): string[] {
  return entries.flatMap(({ key = '', value }) => {
    const text = stringify(isMap ? { [key]: value } : [value], {
      version: '1.1',
      lineWidth: 0,
      indentSeq: false,
      aliasDuplicateObjects: false,
    })
    const lines = text.replace(/\n$/, '').split('\n')
    return lines.map((line) => (line === '' ? '' : indent + line))
  })
}

/** One entry on one line: JSON, which is YAML too. */
export function writeFlowEntry({ key, value }: NewEntry, isMap: boolean): string {
  return isMap ? `${JSON.stringify(key)}: ${writeFlow(value)}` : writeFlow(value)
}

/** The same over lines, each entry in one text, its first line indented too. */
export function writeFlowLines(entries: readonly NewEntry[], isMap: boolean, indent: string): string[] {
  const unit = indent.startsWith('\t') ? '\t' : '  '
  return entries.map(({ key, value }) => {
    const text = JSON.stringify(value, null, unit)
    return `${indent}${isMap ? `${JSON.stringify(key)}: ` : ''}${text.replaceAll('\n', `\n${indent}`)}`
  })
}

/** JSON on one line, with the spaces that people write. */
export function writeFlow(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(writeFlow).join(', ')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, entry]) => entry !== undefined)
  return `{${entries.map(([key, entry]) => `${JSON.stringify(key)}: ${writeFlow(entry)}`).join(', ')}}`
}
