import { judgeFloors } from './floors.mjs'
import { median } from './statistics.mjs'

/** What others do with a silent client by default, from their documentation and issues: cited, not measured here. */
const QUOTED_GREETINGS = [
  ['Linkerd', '10 s', 'protocol detection timeout, then carried as opaque'],
  ['Envoy', '15 s, then closed', 'listener_filters_timeout with tls_inspector (envoy#21044)'],
  ['caddy-l4', '3 s, then closed', 'matching timeout (caddy-l4#228)'],
]

/** Rates that are compared with HAProxy's, by scenario. */
const COMPARED = {
  'small-requests': 'rate',
  'routed-requests': 'rate',
  'new-connections': 'rate',
  bulk: 'gigabytesPerSecond',
}

/** One line for one round, printed as soon as it is known. */
export function roundLine(scenario, target, number, round) {
  const figures = scenario.columns
    .filter(({ key }) => round.figures[key] !== undefined)
    .map(({ key, title, digits }) => `${title} ${round.figures[key].toFixed(digits)}`)
  const lines = [`${String(number).padStart(2)}  ${target.title.padEnd(34)}  ${figures.join(' · ')}`]
  lines.push(...round.warnings.map((text) => `      warning: ${text}`))
  lines.push(...round.errors.map((text) => `      invalid: ${text.replaceAll('\n', '\n      ')}`))
  return lines.join('\n')
}

/** The medians of a scenario's valid rounds, a row a target, in Markdown. */
export function scenarioTable(scenario, results) {
  const compared = COMPARED[scenario.name]
  const peers = ['haproxy-tcp', 'haproxy-http'].filter((peer) => compared !== undefined && results.has(peer))
  const header = [
    '',
    ...scenario.columns.map(({ title }) => title),
    ...peers.map((peer) => `of ${results.get(peer).target.title}`),
    'rounds',
  ]
  const rows = [...results.values()].map(({ target, rounds }) => {
    const cells = scenario.columns.map(({ key, digits }) => medianFigure(rounds, key)?.toFixed(digits) ?? '–')
    const ratios = peers.map((peer) => ratioText(rounds, results.get(peer).rounds, compared))
    return [target.title, ...cells, ...ratios, roundCount(rounds)]
  })
  return markdownTable(header, rows)
}

/** Time to the greeting as the README shows it, with what others document. */
export function greetingTable(results) {
  const measured = [...results.values()].map(({ target, rounds }) => [target.title, greetingText(rounds), 'measured'])
  const quoted = QUOTED_GREETINGS.map(([name, time, source]) => [name, time, `quoted: ${source}`])
  return markdownTable(['', 'first byte of the greeting, median', ''], [...measured, ...quoted])
}

/** The last table: floor, reached, yes or no. `all` maps a scenario's name to its results. */
export function floorTable(all, targets) {
  const medianOf = (scenario, target, key) => {
    const rounds = all.get(scenario)?.get(target)?.rounds
    return rounds === undefined ? undefined : medianFigure(rounds, key)
  }
  const titleOf = (name) => targets.find((target) => target.name === name).title
  const rows = judgeFloors(medianOf, titleOf).map(({ scenario, floor, reached, verdict }) => {
    const isDisturbed = [...(all.get(scenario)?.values() ?? [])].some(({ rounds }) => rounds.every((r) => r.disturbed))
    return [floor, reached, isDisturbed ? `${verdict} (disturbed: measure again)` : verdict]
  })
  return markdownTable(['floor', 'reached', ''], rows)
}

/** The median of a figure over the valid rounds, the undisturbed ones where there are any; undefined of none. */
export function medianFigure(rounds, key) {
  const valid = rounds.filter(isValid)
  const quiet = valid.filter((round) => !round.disturbed)
  const values = (quiet.length > 0 ? quiet : valid).map((round) => round.figures[key])
  return median(values.filter((value) => value !== undefined))
}

function isValid(round) {
  return round.errors.length === 0
}

function roundCount(rounds) {
  const invalid = rounds.filter((round) => !isValid(round)).length
  const disturbed = rounds.filter((round) => isValid(round) && round.disturbed).length
  const notes = [disturbed > 0 ? `${disturbed} disturbed` : '', invalid > 0 ? `${invalid} invalid` : '']
  return [`${rounds.length}`, ...notes.filter(Boolean)].join(', ')
}

function ratioText(rounds, peerRounds, key) {
  const [ours, theirs] = [medianFigure(rounds, key), medianFigure(peerRounds, key)]
  return ours === undefined || theirs === undefined ? '–' : (ours / theirs).toFixed(2)
}

function greetingText(rounds) {
  const greetedMs = medianFigure(rounds, 'medianMs')
  if (greetedMs !== undefined) return durationText(greetedMs)
  const closedMs = medianFigure(rounds, 'closedMs')
  return closedMs === undefined ? '–' : `never: closed after ${durationText(closedMs)}`
}

function durationText(ms) {
  return ms < 1000 ? `${ms.toFixed(2)} ms` : `${(ms / 1000).toFixed(1)} s`
}

export function markdownTable(header, rows) {
  const widths = header.map((_, column) => Math.max(3, ...[header, ...rows].map((row) => row[column].length)))
  const line = (row) => `| ${row.map((cell, column) => cell.padEnd(widths[column])).join(' | ')} |`
  return [line(header), line(widths.map((width) => '-'.repeat(width))), ...rows.map(line)].join('\n')
}
