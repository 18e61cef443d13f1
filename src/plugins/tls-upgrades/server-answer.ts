import { HANDSHAKE_RECORD } from './upgrade-scan.js'

// RFC 8446 section 5.1: type(1) legacy_record_version(2). The answer to a ClientHello is a handshake record or an alert.
const HEAD_BYTES = 3
const ALERT_RECORD = 0x15
const MAJOR_VERSION = 3
const MAX_MINOR_VERSION = 4

/** Whether what a server says once its client has begun TLS is TLS: by its first bytes. */
export class ServerAnswer {
  #heard = 0
  verdict: 'need-more' | 'match' | 'no-match' = 'need-more'

  next(chunk: Uint8Array): void {
    for (let i = 0; i < chunk.length && this.verdict === 'need-more'; i++) {
      if (!isPossible(chunk[i]!, this.#heard)) this.verdict = 'no-match'
      else if (++this.#heard === HEAD_BYTES) this.verdict = 'match'
    }
  }
}

function isPossible(byte: number, index: number): boolean {
  if (index === 0) return byte === HANDSHAKE_RECORD || byte === ALERT_RECORD
  return index === 1 ? byte === MAJOR_VERSION : byte <= MAX_MINOR_VERSION
}
