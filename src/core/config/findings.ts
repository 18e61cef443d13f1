import { formatPath, type ConfigPath } from './config-path.js'
import type { ConfigCode } from './config-codes.js'
import type { Position, Positions } from './positions.js'

/** Something to say of a configuration, and where. */
export interface LocatedFinding {
  readonly severity: 'error' | 'warning'
  /** Published: `SLUICE_CONFIG_UNKNOWN_UPSTREAM`. */
  readonly code: string
  /** `listeners[0].filters[1].detect.timeout`; empty for the file as a whole. */
  readonly path: string
  /** What was expected, what was there, and the nearest valid name. */
  readonly message: string
  /** The file's path; absent for a configuration that came as an object, as are line and column. */
  readonly file?: string
  /** Counted from 1. */
  readonly line?: number
  /** Counted from 1, in UTF-16 units. */
  readonly column?: number
}

export interface FindingPlace {
  /** The key is what is wrong, not its value. */
  readonly at?: 'key' | 'value'
  /** Points elsewhere in the file than `path` says. */
  readonly pointAt?: ConfigPath
  readonly severity?: 'error' | 'warning'
}

/** Collects what there is to say of one configuration, at most once for a place. */
export class Findings {
  readonly #file: string | undefined
  readonly #positions: Positions
  readonly #found: LocatedFinding[] = []
  readonly #spoilt: ConfigPath[] = []
  /** Rewrites a message about the value at a path, so that it shows no secret. */
  redact: (path: ConfigPath, message: string) => string = (_path, message) => message

  constructor(file: string | undefined, positions: Positions) {
    this.#file = file
    this.#positions = positions
  }

  add(code: ConfigCode | (string & {}), path: ConfigPath, message: string, place: FindingPlace = {}): void {
    const pointAt = place.pointAt ?? path
    const position = place.at === 'key' ? this.#positions.ofKey(pointAt) : this.#positions.ofValue(pointAt)
    this.addAt(code, path, this.redact(path, message), position, place.severity)
  }

  addAt(
    code: string,
    path: ConfigPath,
    message: string,
    position: Position | undefined,
    severity: 'error' | 'warning' = 'error',
  ): void {
    const where = this.#file === undefined ? {} : { file: this.#file, ...(position ?? { line: 1, column: 1 }) }
    this.#found.push({ severity, code, path: formatPath(path), message, ...where })
  }

  /** The value at `path` could not be read, which has been said: nothing more is to be said of it. */
  spoil(path: ConfigPath): void {
    this.#spoilt.push(path)
  }

  /** True where the value at `path`, or one that it stands in, could not be read. */
  isSpoilt(path: ConfigPath): boolean {
    return this.#spoilt.some((spoilt) => spoilt.every((segment, index) => path[index] === segment))
  }

  /** What was seen before paths were known is named by where it stands. */
  #named(finding: LocatedFinding): LocatedFinding {
    const { line, column } = finding
    if (line === undefined || column === undefined || finding.code === 'SLUICE_CONFIG_SEVERAL_DOCUMENTS') return finding
    return { ...finding, path: formatPath(this.#positions.pathAt({ line, column }) ?? []) }
  }

  get hasErrors(): boolean {
    return this.#found.some((finding) => finding.severity === 'error')
  }

  /** By position in the file, else as found. */
  sorted(): LocatedFinding[] {
    const found = this.#found.map((finding) => (finding.path === '' ? this.#named(finding) : finding))
    return found.toSorted((a, b) => (a.line ?? 0) - (b.line ?? 0) || (a.column ?? 0) - (b.column ?? 0))
  }
}
