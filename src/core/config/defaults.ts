/**
 * Every default and bound of the configuration, as people write it, with the reason beside it. The schemas, the editors' JSON
 * Schema and the reference page read them here.
 */

/** Kubernetes takes an endpoint out of its services by itself; a delay is for balancers that have to be told by `/ready`. */
export const DRAIN_DELAY = '0s'
/** Kubernetes kills 30 s after SIGTERM; five are left for closing and for the log. */
export const DRAIN_GRACE = '25s'

export const LOG_LEVEL = 'info'
/** About 2 KB each: half a megabyte for the last few hundred answers to "why did it do that?". */
export const CLOSED_TRACES = 256
/** 10,000 traces take 20 MB; who needs more keeps the access log. */
export const MAX_CLOSED_TRACES = 10_000
/** Nearly every name is there by then; half a kilobyte a connection is little beside its two sockets. */
export const MAX_TRACE_BYTES = 256
export const TRACE_BYTES = MAX_TRACE_BYTES

/** About 300 bytes each: what a process talks to fits, and a scan of addresses costs a third of a megabyte. */
export const LEARN_DESTINATIONS = 1024
export const MAX_LEARN_DESTINATIONS = 100_000
/** A day has every job of a cluster in it; what moved away is forgotten by tomorrow. */
export const LEARN_EXPIRY = '24h'

/** SRV weights go so far (RFC 2782). */
export const MAX_WEIGHT = 65_535

/** Servers that answer with a time to live of 0 or 1 are asked no more often than their answers can matter. */
export const DNS_MIN_TTL = '1s'
/** An answer may hold for a day; an address that has moved should not be missed for longer than this. */
export const DNS_MAX_TTL = '5m'
/** HAProxy's `hold nx`: an outage of a zone is over by then, or the name is gone. */
export const DNS_HOLD = '30s'

/** Envoy's consecutive_5xx, interval, base_ejection_time and max_ejection_time. */
export const EJECTION_CONSECUTIVE_FAILURES = 5
export const EJECTION_INTERVAL = '10s'
export const EJECTION_BASE = '30s'
export const EJECTION_MAX = '5m'
/** Below this, one failure more or less is chance. */
export const EJECTION_MIN_OUTCOMES = 20
/** Where more than half fail alike, it is not the endpoints that differ. */
export const EJECTION_MAX_PERCENT = 50

/** HAProxy's `rise 2`, `fall 3`; an endpoint that has gone is noticed within half a minute. */
export const CHECK_INTERVAL = '10s'
export const CHECK_TIMEOUT = '2s'
export const CHECK_RISE = 2
export const CHECK_FALL = 3
export const MAX_CHECK_COUNT = 100
export const CHECK_PATH = '/'
export const CHECK_STATUSES = ['200-299']

/** Two descriptors each, and room for the admin endpoint, under the usual limit of 65,536; memory stays below 200 MB. */
export const MAX_CONNECTIONS = 10_000
/** Descriptors of one process are bounded by the kernel's fs.nr_open, 1,048,576 by default, and a connection takes two. */
export const MAX_MAX_CONNECTIONS = 500_000
/** A connection holds two descriptors; the last third is for listeners, early dials, resolvers and files. */
export const DESCRIPTOR_SHARE = 3

/** RFC 8446 section 5.1: a TLS record carries up to 2^14 bytes, and a ClientHello rarely needs a second one. */
export const PEEK_WINDOW = '16KiB'
/** Below this, no sniffer could see a whole HTTP request line or ClientHello. */
export const MIN_PEEK_WINDOW_BYTES = 1024
/** It is held twice for each connection that waits for its name. */
export const MAX_PEEK_WINDOW_BYTES = 1024 * 1024

/** Envoy's default for a cluster. */
export const CONNECT_TIMEOUT = '5s'
/** Envoy's default for tcp_proxy. Any byte in either direction starts it anew. */
export const IDLE_TIMEOUT = '1h'
/** As idle: one direction is over, the other may be a long download. */
export const HALF_CLOSE_TIMEOUT = '1h'
/** Only where there is a choice to make. A client that says nothing for a minute is dead, or waits for a greeting. */
export const FIRST_BYTE_TIMEOUT = '60s'
/** Filters may ask another service; what has not answered by now will not. */
export const VERDICT_TIMEOUT = '30s'
/** Linkerd's TCP keep-alive: notices a vanished peer long before the idle timeout. */
export const KEEP_ALIVE = '10s'

/** The chain of a listener without `filters`: names everything, withholds nothing, carries it to the listener's destination. */
export const DEFAULT_CHAIN = ['port-override', 'detect', 'tls-passthrough', 'http-metrics', 'tcp-forward'] as const

/** A hand-written configuration has a few hundred lines; this keeps a wrong path from being read into memory. */
export const MAX_CONFIG_BYTES = 4 * 1024 * 1024
/** Values after all aliases have been followed: nested aliases multiply. */
export const MAX_CONFIG_VALUES = 100_000
