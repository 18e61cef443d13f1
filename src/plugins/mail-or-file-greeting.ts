import { compareLetters, latin1Bytes } from './compare-bytes.js'
import type { GreetingForm } from './telling-word.js'

/** RFC 5321 section 4.2 asks for neither; nearly all servers say one (RFC 2033 section 4: LMTP). */
const SMTP_WORDS = ['esmtp', 'smtp', 'lmtp'].map(latin1Bytes)
/** The protocol, and servers that do not say it: FileZilla Server, pyftpdlib, and GridFTP (GFD.20). */
const FTP_WORDS = ['ftp', 'filezilla', 'pyftpdlib', 'gridftp'].map(latin1Bytes)
/** How its daemons are called: vsFTPd, ProFTPD, Pure-FTPd, tnftpd, NetBSD-ftpd. */
const FTP_DAEMON = latin1Bytes('ftpd')
const DOT = 0x2e

/**
 * A greeting that says either SMTP or FTP. Both greet with 220, and with 421 where they turn the client away: RFC 5321 sections 3.8
 * and 4.2, RFC 959 section 5.4. One form for both, so that no greeting is both: the first word that tells decides.
 */
export const mailOrFileGreeting: GreetingForm = {
  codes: ['220', '421'].map(latin1Bytes),
  hasManyLines: true,
  tells: (window, at, length) => isSmtpWord(window, at, length) || isFtpWord(window, at, length),
}

export function isSmtpWord(window: Uint8Array, at: number, length: number): boolean {
  return isOneOf(window, at, length, SMTP_WORDS)
}

export function isFtpWord(window: Uint8Array, at: number, length: number): boolean {
  if (isOneOf(window, at, length, FTP_WORDS)) return true
  const daemon = at + length - FTP_DAEMON.length
  if (daemon < at || compareLetters(window, daemon, FTP_DAEMON) !== 'match') return false
  for (let i = at; i < daemon; i++) if (window[i] === DOT) return false
  return true
}

function isOneOf(window: Uint8Array, at: number, length: number, words: readonly Uint8Array[]): boolean {
  for (const word of words) {
    if (word.length === length && compareLetters(window, at, word) === 'match') return true
  }
  return false
}
