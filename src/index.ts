export { createSluice, Sluice } from './sluice.js'
export type { ConnectionSnapshot, OnOptions, SluiceEvents, SluiceOverrides, StopOptions } from './sluice.js'
export type { ListenerInput, SluiceConfig } from './sluice-config.js'
export type { Address } from './core/address.js'
export type { Clock, Timer } from './core/clock.js'
export type { CloseReason, CloseSummary } from './core/close-summary.js'
export { ConfigError } from './core/config-error.js'
export type { LocatedFinding } from './core/config/findings.js'
export { CLIENT_DESTINATION, factKey } from './core/connection.js'
export type { Connection, FactKey, PeekWindow } from './core/connection.js'
export type { DecidedBy, DetectionResult, DetectOutcome } from './core/detection-result.js'
export { defineEndpointSource } from './core/endpoint-source.js'
export type { EndpointSource, EndpointSourceDefinition, SourcedEndpoint } from './core/endpoint-source.js'
export { type ErrorCode, SluiceError } from './core/errors.js'
// With a star: only so can plugins merge their filters into an interface of this module.
export type * from './core/filter-options.js'
export { defineFilter } from './core/filter.js'
export type { CheckContext, Filter, FilterDefinition, Finding, Needs, StandardSchema, Verdict } from './core/filter.js'
export type { Direction, ListenerContext } from './core/listener-context.js'
export type { Log } from './core/log.js'
export type { Cell, Family, HistogramCell, Metrics } from './core/metrics.js'
export type { Observer, ObserverDefinition, Watch } from './core/observer.js'
export type { OriginalDestinations } from './core/original-destination.js'
export type { TransparentSockets } from './core/transparent-sockets.js'
export type { Side } from './core/side.js'
export type { Bytes, Facts, Sniff, Sniffer } from './core/sniffer.js'
export {
  CLOCK,
  LISTENER,
  LOG,
  METRICS,
  OPTIONS,
  ORIGINAL_DESTINATIONS,
  TRANSPARENT_SOCKETS,
  TRANSPORT,
  token,
  type Token,
  UPSTREAMS,
} from './core/tokens.js'
export type {
  AcceptedWire,
  ConnectOptions,
  ListeningSocket,
  ListenOptions,
  OnConnected,
  Transport,
} from './core/transport.js'
export type { TraceStep } from './core/trace.js'
export type { UpstreamGroup } from './core/upstream-group.js'
export type { Upstreams } from './core/upstreams.js'
export type { Wire, WireReader } from './core/wire.js'
export { PROXY_PROTOCOL, type ProxyProtocolSeen } from './filters/proxy-protocol/proxy-protocol-seen.js'
export type { RequestRecord } from './http/request-record.js'
export type { Plugin, Provider } from './plugins/plugin.js'
