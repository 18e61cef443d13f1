import type { Http1Head } from '../../protocols/http1-head.js'

/** RFC 9112 section 3.2.2. A name and password have no place in it (RFC 9110 section 4.2.4). */
const ABSOLUTE_FORM = /^(https?):\/\/([^/?@]*)(?:[/?]|$)/i
const SLASH = 0x2f

/** RFC 9110 section 4.2.1 and 4.2.2. */
const DEFAULT_PORTS: Readonly<Record<string, string>> = { http: '80', https: '443' }

/** Host and port of a target in absolute form; undefined for another form. */
export function authorityOf(target: string): string | undefined {
  return ABSOLUTE_FORM.exec(target)?.[2]
}

/** What `Host` has to be for a server, whatever it was; undefined where the target does not say (RFC 9112 section 3.2.2). */
export function hostOfTarget(head: Http1Head): string | undefined {
  if (head.bytes[head.start + head.methodEnd + 1] === SLASH) return undefined
  const authority = authorityOf(head.target)
  return authority === head.get('host') ? undefined : authority
}

/** Whether `Host` says the same as a target in absolute form: the port of the scheme is none (RFC 9110 section 4.2.3). */
export function isHostOf(target: string, host: string): boolean {
  const [, scheme = '', authority = ''] = ABSOLUTE_FORM.exec(target) ?? []
  const port = DEFAULT_PORTS[scheme.toLowerCase()]!
  return withoutPort(host, port) === withoutPort(authority, port)
}

function withoutPort(host: string, port: string): string {
  const [, name, given] = /^(.*?)(?::(\d*))?$/s.exec(host.toLowerCase())!
  return given === undefined || given === '' || given === port ? name! : host.toLowerCase()
}
