import type { ListenerConfig } from '../core/config/config.js'
import type { AccessLogFormat } from '../filters/http-metrics/access-log-format.js'
import { httpMetrics, type HttpMetricsOptions } from '../filters/http-metrics/http-metrics.js'
import type { Sluice } from '../sluice.js'
import type { Output } from './cli-io.js'
import { combinedLine, requestRecordLine } from './request-line.js'

/** Writes a line a request, of the listeners whose `http-metrics` asks for it. Others do not pay for it. */
export function showRequests(sluice: Sluice, output: Output): void {
  for (const listener of sluice.config.listeners) {
    const format = accessLogOf(listener)
    if (format === undefined) continue
    sluice.on(
      'request',
      (record) => output.write(format === 'json' ? requestRecordLine(record, new Date()) : combinedLine(record)),
      { listener: listener.name },
    )
  }
}

function accessLogOf({ filters }: ListenerConfig): AccessLogFormat | undefined {
  const filter = filters.find(({ definition }) => definition.name === httpMetrics.name)
  return (filter?.options as HttpMetricsOptions | undefined)?.accessLog
}
