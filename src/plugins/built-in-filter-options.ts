import type { DetectInput } from '../filters/detect/detect.js'
import type { DirectResponseInput } from '../filters/direct-response/direct-response.js'
import type { HttpMetricsInput } from '../filters/http-metrics/http-metrics.js'
import type { HttpRouteInput } from '../filters/http-route/options.js'
import type { PortOverrideInput } from '../filters/port-override/port-override.js'
import type { ProxyProtocolInput } from '../filters/proxy-protocol/proxy-protocol.js'
import type { TcpForwardInput } from '../filters/tcp-forward/options.js'
import type { TlsPassthroughInput } from '../filters/tls-passthrough/tls-passthrough.js'

/** What `built-ins.ts` is for the running program, for the types of a configuration. */
declare module '../core/filter-options.js' {
  interface FilterOptionsMap {
    detect: DetectInput
    'direct-response': DirectResponseInput
    echo: Record<never, never>
    'http-metrics': HttpMetricsInput
    'http-route': HttpRouteInput
    'port-override': PortOverrideInput
    'proxy-protocol': ProxyProtocolInput
    'tcp-forward': TcpForwardInput
    'tls-passthrough': TlsPassthroughInput
  }
}
