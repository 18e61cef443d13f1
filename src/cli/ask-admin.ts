import { errorText } from '../core/error-text.js'
import { SluiceError } from '../core/errors.js'
import { UsageError } from './exit-code.js'

/** Where the admin endpoint is in every example. */
export const DEFAULT_ADMIN = 'http://127.0.0.1:4191'
/** An endpoint on this machine that has not answered by then is no admin endpoint. */
const TIMEOUT_MS = 5_000

/** A JSON page of a running Sluice's admin endpoint; undefined where it is not there (404). */
export async function askAdmin(admin: string, path: string): Promise<unknown> {
  const url = adminUrl(admin, path)
  let response: Response
  let body: string
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    body = await response.text()
  } catch (error) {
    const reason = error instanceof Error && error.cause instanceof Error ? error.cause : error
    throw noAnswer(
      url,
      `${errorText(reason)}. Does Sluice run, with "admin" in its configuration? --admin names another address`,
    )
  }
  if (response.status === 404) return undefined
  if (!response.ok) throw noAnswer(url, `${response.status}: ${errorText(body.trim().slice(0, 200))}`)
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw noAnswer(url, 'this is no admin endpoint of Sluice: the answer is not JSON')
  }
}

/** Where a page of the admin endpoint is; a usage error where `admin` is no URL. */
export function adminUrl(admin: string, path: string): URL {
  const base = admin.includes('://') ? admin : `http://${admin}`
  const isUrl = /^https?:/.test(base) && URL.canParse(path, base)
  if (!isUrl) throw new UsageError(`--admin: expected a URL such as http://127.0.0.1:4191, got "${admin}"`)
  const url = new URL(path, base)
  // It would stand in messages, and the endpoint asks for none.
  if (url.username !== '' || url.password !== '')
    throw new UsageError('--admin: a URL without name and password: the admin endpoint asks for none')
  return url
}

/** Whatever answers where the admin endpoint was looked for, and is none. */
export function noAdminPage(admin: string, path: string): SluiceError {
  return noAnswer(adminUrl(admin, path), 'this is no admin endpoint of Sluice: the answer is not one of its pages')
}

export function noAnswer(url: URL, reason: string): SluiceError {
  return new SluiceError('SLUICE_CONNECT_FAILED', url.host, `cannot ask ${url.href}: ${reason}`)
}
