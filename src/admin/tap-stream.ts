import { matchesFilter, parseRequestFilter, REQUEST_FILTER_KEYS, type RequestFilter } from '../http/request-filter.js'
import type { RequestRecord } from '../http/request-record.js'
import type { Sluice } from '../sluice.js'
import type { LineSink, LineSource } from './line-stream.js'

/** What a tap needs of an instance. */
export type TapSource = Pick<Sluice, 'config' | 'on'>

/** Query parameters of `/tap`. */
export const TAP_KEYS = ['listener', ...REQUEST_FILTER_KEYS, 'sample', 'max'] as const
type TapKey = (typeof TAP_KEYS)[number]

interface TapOptions {
  readonly listener: string | undefined
  readonly filter: RequestFilter
  /** Of the requests that match, the part that is shown: up to 1. */
  readonly share: number
  /** Ends after so many. */
  readonly max: number
}

/** Requests as they end, one JSON line each. Nobody taps: heads are not decoded. What is wrong with the query, as a text. */
export function openTap(source: TapSource, query: URLSearchParams, random = Math.random): LineSource | string {
  const options = parseTap(source, query)
  return typeof options === 'string' ? options : { start: (sink) => startTap(source, options, sink, random) }
}

function startTap(source: TapSource, options: TapOptions, sink: LineSink, random: () => number): () => void {
  const { listener, filter, share, max } = options
  let shown = 0
  const receive = (record: RequestRecord): void => {
    if (!matchesFilter(filter, record) || (share < 1 && random() >= share)) return
    if (!sink.write(record) || ++shown < max) return
    off()
    sink.end()
  }
  const off = source.on('request', receive, listener === undefined ? {} : { listener })
  return off
}

function parseTap(source: TapSource, query: URLSearchParams): TapOptions | string {
  const written: Partial<Record<TapKey, string>> = {}
  for (const [key, value] of query) {
    if (!isTapKey(key)) return `there is no parameter "${key}"; there are ${TAP_KEYS.join(', ')}`
    if (written[key] !== undefined) return `${key}: given twice`
    written[key] = value
  }
  const { listener, sample, max, ...rest } = written
  const share = sample === undefined ? 1 : parseShare(sample)
  if (typeof share === 'string') return share
  if (max !== undefined && !/^[1-9]\d{0,8}$/.test(max)) return `max: expected a whole number from 1 on, got "${max}"`
  const filter = parseRequestFilter(rest)
  if (typeof filter === 'string') return filter
  return findListener(source, listener) ?? { listener, filter, share, max: max === undefined ? Infinity : Number(max) }
}

const SEE_REQUESTS: ReadonlySet<string> = new Set(['http-metrics', 'http-route'])

/** What is wrong with the listener. */
function findListener({ config }: TapSource, name: string | undefined): string | undefined {
  const observed = config.listeners.filter(({ filters }) =>
    filters.some(({ definition }) => SEE_REQUESTS.has(definition.name)),
  )
  if (name === undefined)
    return observed.length > 0 ? undefined : 'no listener has a filter that sees requests: http-metrics or http-route'
  if (observed.some((listener) => listener.name === name)) return undefined
  const names = observed.map((listener) => listener.name).join(', ')
  return `listener: there is no "${name}" with http-metrics or http-route; there are ${names === '' ? 'none' : names}`
}

function parseShare(text: string): number | string {
  const percent = /^(\d{1,3}(?:\.\d{1,6})?)%?$/.exec(text)?.[1]
  const share = percent === undefined ? NaN : Number(percent) / 100
  return share > 0 && share <= 1
    ? share
    : `sample: expected a percentage above 0, up to 100%, such as 10%, got "${text}"`
}

function isTapKey(key: string): key is TapKey {
  return TAP_KEYS.some((one) => one === key)
}
