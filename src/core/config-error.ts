import type { LocatedFinding } from './config/findings.js'
import { SluiceError } from './errors.js'

/** A configuration that cannot be started: all that is wrong with it, at once. Nothing was bound. */
export class ConfigError extends SluiceError {
  readonly findings: readonly LocatedFinding[]

  constructor(source: string, findings: readonly LocatedFinding[]) {
    const errors = findings.filter(({ severity }) => severity === 'error')
    const lines = errors.map(
      ({ line, column, path, message }) =>
        `${line === undefined ? '' : `${source}:${line}:${column} `}${path} ${message}`,
    )
    super(
      'SLUICE_CONFIG_INVALID',
      source,
      [`${errors.length} ${errors.length === 1 ? 'error' : 'errors'} in ${source}`, ...lines].join('\n  '),
    )
    this.findings = findings
  }
}
