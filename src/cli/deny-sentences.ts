/** Why a connection was refused, in words for an operator, and where to change it. By filter and reason, as in the metrics. */
const SENTENCES: Readonly<Record<string, string>> = {
  'listener max-connections':
    'the listener held as many connections as limits.maxConnections and the descriptor limit allow',
  'listener loop': 'it came from, or would go to, Sluice itself: the destination leads back to a listener',
  'listener no-original-destination':
    'the destination is "original", and the connection was not redirected here: check the interception rules',
  'detect timeout': 'the protocol was not known before detect.timeout, and onTimeout is "deny"',
  'detect unknown': 'no sniffer knows these bytes, and onUnknown is "deny"',
  'proxy-protocol missing': 'it does not begin with a PROXY protocol header, which the filter requires',
  'proxy-protocol malformed': 'its PROXY protocol header is not a valid one',
  'proxy-protocol untrusted': 'it comes from an address that is not in proxy-protocol.trusted, and untrusted is "deny"',
  'proxy-protocol timeout': 'its PROXY protocol header did not arrive in time',
  'proxy-protocol too-long': 'its PROXY protocol header is longer than the filter accepts',
  'tls-passthrough sni-not-allowed': 'the server name that the client asks for is not in tls-passthrough.allow',
  'tls-passthrough no-sni':
    'the client names no server (SNI), and tls-passthrough.allow lists those that may be asked for',
  'tcp-forward no-route': 'no route matches it, and the listener has no destination for the rest',
  'tcp-forward upstream-full':
    'every endpoint of the destination holds as many connections as its maxConnections allows',
}

/** Reasons that any filter can end with. */
const OF_ANY_FILTER: Readonly<Record<string, string>> = {
  'verdict-timeout': 'the filter did not decide within timeouts.verdict: what it asks may be slow or down',
}

/** One sentence on why a filter denied a connection. A plugin's reason speaks for itself. */
export function denySentence({ filter, reason }: { readonly filter: string; readonly reason: string }): string {
  return (
    SENTENCES[`${filter} ${reason}`] ?? OF_ANY_FILTER[reason] ?? `the filter ${filter} gives this reason: ${reason}`
  )
}
