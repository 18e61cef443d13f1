import { read } from './pages.js'

/** A query, and where it stands. */
export interface DashboardQuery {
  readonly panel: string
  readonly query: string
}

/** Queries of Linkerd's dashboards, as docs/guide/linkerd-dashboards.md lists them. */
export function linkerdQueries(): (DashboardQuery & { readonly finds: boolean })[] {
  const rows = read('docs/guide/linkerd-dashboards.md').matchAll(/^\| ([^|]*?) *\| `([^`]+)` *\| (yes|no) *\|$/gm)
  return [...rows].map(([, panel, query, finds]) => ({ panel: panel!, query: query!, finds: finds === 'yes' }))
}

interface Panel {
  readonly title: string
  readonly targets?: readonly { readonly expr: string }[]
}

/** Queries of our dashboard for Grafana. */
export function ownQueries(): DashboardQuery[] {
  const { panels } = JSON.parse(read('deploy/grafana/sluice.json')) as { panels: readonly Panel[] }
  return panels.flatMap(({ title, targets = [] }) => targets.map(({ expr }) => ({ panel: title, query: expr })))
}

export interface NamedSeries {
  readonly metric: string
  readonly labels: readonly string[]
}

/** The metrics that a query names, each with the labels of its matchers; words that are followed by `(` or stand in one are none. */
export function seriesOf(query: string): NamedSeries[] {
  const withoutLabelLists = query.replace(/\bby \([^)]*\)/g, 'by')
  return [...withoutLabelLists.matchAll(/\b([a-z][a-z0-9_]*_[a-z0-9_]+)\b(?!\s*\()(?:\{([^}]*)\})?/g)]
    .filter(([, , matchers], i, all) => matchers !== undefined || !isInsideMatchers(all[i]!, withoutLabelLists))
    .map(([, metric, matchers = '']) => ({
      metric: metric!,
      labels: [...matchers.matchAll(/(\w+)\s*(?:=~|!~|!=|=)/g)].map(([, label]) => label!),
    }))
}

function isInsideMatchers(match: RegExpMatchArray, query: string): boolean {
  const before = query.slice(0, match.index)
  return before.lastIndexOf('{') > before.lastIndexOf('}') || before.endsWith('$') || before.endsWith('$_')
}
