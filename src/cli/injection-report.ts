import type { InjectionResult, InjectionWarning } from '../kubernetes/inject-manifest.js'
import type { SkipReason } from '../kubernetes/skip-reason.js'
import type { UninjectionResult } from '../kubernetes/uninject-manifest.js'

/** Why an object got no sidecar, behind `skipped: `. */
const REASONS: Readonly<Record<SkipReason, string>> = {
  'no-kind': '',
  'no-pods': 'its kind gets no sidecar',
  'no-containers': 'its pods have no containers',
  'already-injected': 'it has a sidecar already',
  'foreign-sidecar': 'it has a sidecar of another mesh',
  'host-network': 'hostNetwork is on',
  disabled: 'sluice.dev/inject is "disabled"',
}

/** What Linkerd warns of, in its words where they are the same, in its order. */
const SKIP_WARNINGS: readonly (readonly [SkipReason, string])[] = [
  ['host-network', '"hostNetwork: true" detected in'],
  ['foreign-sidecar', 'known 3rd party sidecar detected in'],
  ['disabled', '"sluice.dev/inject: disabled" annotation set on'],
]

/** What `sluice inject` says on standard error, laid out as by Linkerd: warnings, then a line an object. */
export function injectionReport(results: readonly InjectionResult[]): string {
  const warnings = SKIP_WARNINGS.flatMap(([reason, text]) => {
    const names = results.filter(({ skipped }) => skipped === reason).map(shortName)
    return names.length > 0 ? [`${text} ${names.join(', ')}`] : []
  })
  if (!results.some(({ skipped }) => skipped === undefined || skipped === 'already-injected'))
    warnings.push('no supported objects found')
  for (const result of results) warnings.push(...result.warnings.map((each) => warningText(result, each)))
  return layOut(
    warnings,
    results.map((result) => summary(result)),
  )
}

export function uninjectionReport(results: readonly UninjectionResult[]): string {
  const lines = results.map(({ kind, name, isUninjected }) =>
    line({ kind, name }, isUninjected ? 'uninjected' : 'skipped'),
  )
  return layOut([], lines)
}

function summary(result: InjectionResult): string {
  const { skipped } = result
  if (skipped === undefined) return line(result, 'injected')
  return line(result, skipped === 'no-kind' ? 'skipped' : `skipped: ${REASONS[skipped]}`)
}

function line({ kind, name }: Pick<InjectionResult, 'kind' | 'name'>, outcome: string): string {
  if (kind === undefined) return `document missing "kind" field, skipped`
  return `${kind.toLowerCase()} "${name}" ${outcome}`
}

function warningText(result: InjectionResult, warning: InjectionWarning): string {
  switch (warning.about) {
    case 'udp':
      return `${shortName(result)} uses "protocol: UDP"`
    case 'port':
      return `${shortName(result)} listens on ${warning.port}, which the proxy needs: give one of them another port`
    case 'user':
      return `${shortName(result)} runs "${warning.container}" as user ${warning.uid}, which is the proxy's: what it sends bypasses the proxy`
  }
}

function shortName({ kind = '', name }: InjectionResult): string {
  return `${kind.toLowerCase()}/${name}`
}

function layOut(warnings: readonly string[], lines: readonly string[]): string {
  const block = warnings.length > 0 ? [...warnings.map((warning) => `‼ ${warning}`), ''] : []
  return `${['', ...block, ...lines, ''].join('\n')}\n`
}
