import type { LocatedFinding } from './findings.js'

/** Widest path that is shown whole; a longer one loses its beginning. */
const MAX_PATH_WIDTH = 44
/** Shorter paths are filled up to this, so that messages begin in one column. */
const PATH_COLUMN_WIDTH = 32

/** One line a finding: `file:line:column`, severity where it is a warning, path, message. */
export function formatFindings(findings: readonly LocatedFinding[]): string {
  const locations = findings.map(location)
  const width = Math.max(0, ...locations.map((text) => text.length))
  return findings.map((finding, index) => formatFinding(finding, locations[index]!.padEnd(width))).join('')
}

/** The last line for a configuration with errors: `9 errors in bad.yaml. Nothing was started.` */
export function formatErrorCount(findings: readonly LocatedFinding[], source: string): string {
  const count = findings.filter(({ severity }) => severity === 'error').length
  return `${count} ${count === 1 ? 'error' : 'errors'} in ${source}. Nothing was started.\n`
}

function formatFinding({ severity, path, message }: LocatedFinding, where: string): string {
  const place = [where, severity === 'warning' ? 'warning' : '']
    .filter((column) => column !== '')
    .map((column) => `${column}  `)
  return `${place.join('')}${shortenPath(path).padEnd(PATH_COLUMN_WIDTH)}   ${message}\n`
}

function location({ file, line, column }: LocatedFinding): string {
  return file === undefined ? '' : `${file}:${line}:${column}`
}

function shortenPath(path: string): string {
  let shown = path
  for (let dot = path.indexOf('.'); shown.length > MAX_PATH_WIDTH && dot !== -1; dot = path.indexOf('.', dot + 1)) {
    shown = `…${path.slice(dot + 1)}`
  }
  return shown
}
