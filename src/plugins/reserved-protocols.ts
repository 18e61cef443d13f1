/** What `port-override` says in place of a protocol. */
export const RESERVED_PROTOCOLS: readonly string[] = ['opaque', 'detect']
