import { UsageError } from './exit-code.js'
import { SluiceError } from '../core/errors.js'

/** Where the admin endpoint is in every example. */
export const DEFAULT_ADMIN = 'http://127.0.0.1:4191'
/** An endpoint on this machine that has not answered by then is no admin endpoint. */
const TIMEOUT_MS = 5_000

/** A JSON page of a running Sluice's admin endpoint; undefined where it is not there (404). */
export async function askAdmin(admin: string, path: string): Promise<unknown> {
  let url: URL
  try {
    url = new URL(path, admin.includes('://') ? admin : `http://${admin}`)
  } catch {
    throw new UsageError(`--admin: expected a URL such as http://127.0.0.1:4191, got "${admin}"`)
  }
  let response: Response
  let body: string
  try {
    response = await fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    body = await response.text()
  } catch (error) {
    const { cause, message } = error as Error
    const reason = cause instanceof Error ? cause.message : message
    throw noAnswer(url, `${reason}. Does Sluice run, with "admin" in its configuration? --admin names another address`)
  }
  if (response.status === 404) return undefined
  if (!response.ok) throw noAnswer(url, `${response.status}: ${body.trim().slice(0, 200)}`)
  try {
    return JSON.parse(body) as unknown
  } catch {
    throw noAnswer(url, 'this is no admin endpoint of Sluice: the answer is not JSON')
  }
}

function noAnswer(url: URL, reason: string): SluiceError {
  return new SluiceError('SLUICE_CONNECT_FAILED', url.host, `cannot ask ${url.href}: ${reason}`)
}
