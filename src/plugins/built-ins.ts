import { detect } from '../filters/detect/detect.js'
import { directResponse } from '../filters/direct-response/direct-response.js'
import { echo } from '../filters/echo/echo.js'
import { httpMetrics } from '../filters/http-metrics/http-metrics.js'
import { httpRoute } from '../filters/http-route/http-route.js'
import { portOverride } from '../filters/port-override/port-override.js'
import { proxyProtocol } from '../filters/proxy-protocol/proxy-protocol.js'
import { tcpForward } from '../filters/tcp-forward/tcp-forward.js'
import { tlsPassthrough } from '../filters/tls-passthrough/tls-passthrough.js'
import { kernelOriginalDestinations } from '../interception/kernel-original-destinations.js'
import { kernelTransparentSockets } from '../interception/kernel-transparent-sockets.js'
import { ORIGINAL_DESTINATIONS, TRANSPARENT_SOCKETS } from '../core/tokens.js'
import { builtInSniffers } from './built-in-sniffers.js'
import type { Plugin } from './plugin.js'
import { tlsUpgrades } from './tls-upgrades/tls-upgrades.js'

/** What Sluice brings itself, by the same door as a stranger's plugin. Deleting a line here is all that deleting a filter takes. */
export const builtIns: Plugin = {
  name: 'built-ins',
  apiVersion: 1,
  sniffers: builtInSniffers,
  observers: tlsUpgrades,
  filters: [
    proxyProtocol,
    portOverride,
    detect,
    tlsPassthrough,
    httpMetrics,
    httpRoute,
    tcpForward,
    echo,
    directResponse,
  ],
  providers: [
    { token: ORIGINAL_DESTINATIONS, value: kernelOriginalDestinations },
    { token: TRANSPARENT_SOCKETS, value: kernelTransparentSockets },
  ],
}
