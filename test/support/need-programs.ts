import { accessSync, constants, existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'

/** Where Debian puts servers, beside what the PATH of an ordinary user has. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin', ...postgresFolders()]

/** Whether the programs of a test are there, and what to say where they are not. */
export interface NeededPrograms {
  readonly areMissing: boolean
  /** To be put behind a test's title: empty, or why it is skipped. */
  readonly why: string
}

/**
 * Asks for programs that a test cannot do without, each by its name, or as `name (Debian package)` where the package has another.
 * In CI one that is missing is an error; elsewhere the tests that need it are skipped, and say so:
 * `test.skipIf(programs.areMissing)('works' + programs.why, ...)`.
 */
export function needPrograms(...names: readonly string[]): NeededPrograms {
  const missing = names.filter((name) => findProgram(programOf(name)) === undefined)
  if (missing.length === 0) return { areMissing: false, why: '' }
  const why = `not installed: ${missing.join(', ')}`
  if (process.env.CI === 'true')
    throw new Error(`${why}. With CI=true every test must run: install it (apt-get install)`)
  console.log(`skipped, ${why}`)
  return { areMissing: true, why: ` [skipped: ${why}]` }
}

/** The program's path; throws where it is not installed. A path is taken as it is. */
export function programPath(name: string): string {
  if (name.includes('/')) return name
  const path = findProgram(name)
  if (path === undefined) throw new Error(`${name} is not installed`)
  return path
}

/** Debian has the programs of each major version of PostgreSQL's server in a folder of their own. */
function postgresFolders(): string[] {
  const folder = '/usr/lib/postgresql'
  return existsSync(folder) ? readdirSync(folder).map((version) => join(folder, version, 'bin')) : []
}

function programOf(name: string): string {
  return name.split(' ')[0] ?? name
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(':'), ...SYSTEM_FOLDERS]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
