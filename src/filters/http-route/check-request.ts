import type { Http1Head } from '../../protocols/http1-head.js'
import { authorityOf, isHostOf } from './absolute-form.js'
import { badRequest, type Refusal } from './refusal.js'

/**
 * What is wrong with a request that is well framed: `Host` and target, which servers could take in two ways (RFC 9112 section 3.2).
 * Neither ever chooses an address to dial.
 */
export function checkRequest(head: Http1Head): Refusal | undefined {
  if (head.hasForeignCoding) {
    const message = 'the transfer coding is not known here: only chunked is'
    return { status: 501, reason: 'unknown-transfer-coding', message }
  }
  if (head.hosts > 1) return badRequest('host-repeated')
  if (head.hosts === 0) {
    if (head.minorVersion > 0) return badRequest('host-missing')
  } else if (!isHost(head.get('host')!)) return badRequest('invalid-host')
  return checkTarget(head)
}

function checkTarget(head: Http1Head): Refusal | undefined {
  const at = head.start + head.methodEnd + 1
  const end = head.start + head.targetEnd
  // Section 3.2.1: origin-form, as nearly all are. A fragment is never sent.
  for (let i = at; i < end; i++) if (head.bytes[i] === HASH) return badRequest('invalid-target')
  if (head.isConnect) return checkAuthority(head)
  if (head.bytes[at] === SLASH) return undefined
  const { target } = head
  if (target === '*') return head.method === 'OPTIONS' ? undefined : badRequest('invalid-target')
  const authority = authorityOf(target)
  if (authority === undefined || !isHost(authority) || authority === '') return badRequest('invalid-target')
  // Section 3.2.2: a proxy takes the target's host and a server may take the field's. Who means one thing writes one thing.
  const host = head.get('host')
  return host === undefined || isHostOf(target, host) ? undefined : badRequest('host-conflicts-with-target')
}

/** Section 3.2.3: CONNECT names a host and a port, and `Host` is the same; some clients leave out the port there. */
function checkAuthority(head: Http1Head): Refusal | undefined {
  const { target } = head
  if (!isHost(target) || !/[^:]:\d+$/.test(target)) return badRequest('invalid-target')
  const host = head.get('host')?.toLowerCase()
  const authority = target.toLowerCase()
  const isSame = host === undefined || host === authority || host === authority.replace(/:\d+$/, '')
  return isSame ? undefined : badRequest('host-conflicts-with-target')
}

const HASH = 0x23
const SLASH = 0x2f
/** RFC 3986 section 3.2.2 and 3.2.3: uri-host [":" port]. May be empty (RFC 9112 section 3.2). */
const HOST = /^(?:\[[0-9a-fA-F:.]+\]|[A-Za-z0-9\-._~!$&'()*+,;=%]*)(?::\d*)?$/

/** The last one that was: most requests of a listener name the same. */
let lastHost = ''

function isHost(host: string): boolean {
  if (host === lastHost) return true
  if (!HOST.test(host)) return false
  lastHost = host
  return true
}
