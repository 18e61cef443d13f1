/**
 * Codes of operational failures. Published: codes are added, never renamed. `docs/reference/errors.md` says how to solve each.
 */
export const ERROR_CODES = {
  SLUICE_CONNECT_REFUSED: { retryable: true },
  SLUICE_CONNECT_TIMEOUT: { retryable: true },
  SLUICE_CONNECT_UNREACHABLE: { retryable: true },
  SLUICE_CONNECT_RESET: { retryable: true },
  SLUICE_CONNECT_FAILED: { retryable: true },
  SLUICE_CONNECT_ABORTED: { retryable: false },
  SLUICE_NAME_NOT_FOUND: { retryable: true },
  SLUICE_UPSTREAM_FULL: { retryable: true },
  SLUICE_NO_ENDPOINT: { retryable: true },
  SLUICE_NO_USABLE_ENDPOINT: { retryable: true },
  SLUICE_NO_DESTINATION: { retryable: false },
  SLUICE_CONFIG_INVALID: { retryable: false },
  SLUICE_CONFIG_UNREADABLE: { retryable: false },
  SLUICE_ADDRESS_IN_USE: { retryable: true },
  SLUICE_ADDRESS_NOT_AVAILABLE: { retryable: false },
  SLUICE_LISTEN_FAILED: { retryable: false },
  SLUICE_NOT_PERMITTED: { retryable: false },
  SLUICE_NO_INHERITED_SOCKET: { retryable: false },
  SLUICE_INTERCEPT_FAILED: { retryable: false },
  SLUICE_STATE: { retryable: false },
  SLUICE_FILTER_FAILED: { retryable: false },
  SLUICE_SOURCE_FAILED: { retryable: false },
} as const

export type ErrorCode = keyof typeof ERROR_CODES

/** An operational failure: what happened, where it came from, and whether trying again may help. `cause` is kept. */
export class SluiceError extends Error {
  override readonly name = 'SluiceError'
  readonly code: ErrorCode
  /** What failed: an endpoint, a listener, a file. */
  readonly source: string

  constructor(code: ErrorCode, source: string, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
    this.source = source
  }

  get retryable(): boolean {
    return ERROR_CODES[this.code].retryable
  }
}
