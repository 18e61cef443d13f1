import { latin1Bytes } from './compare-bytes.js'
import { greetingForm, isOneOf } from './telling-word.js'

/** RFC 5321 section 4.2 asks for neither; nearly all servers say one (RFC 2033 section 4: LMTP). */
export const SMTP_WORDS = ['esmtp', 'smtp', 'lmtp']
const SMTP_WORD_BYTES = SMTP_WORDS.map(latin1Bytes)

/**
 * A greeting that says either SMTP or FTP. Both greet with 220, and with 421 where they turn the client away: RFC 5321 sections 3.8
 * and 4.2, RFC 959 section 5.4. One form for both, so that no greeting is both: the first word that tells decides.
 */
export const mailOrFileGreeting = greetingForm({
  codes: ['220', '421'],
  hasManyLines: true,
  // FTP, and servers that do not say it: FileZilla Server, pyftpdlib, and GridFTP (GFD.20).
  words: [...SMTP_WORDS, 'ftp', 'filezilla', 'pyftpdlib', 'gridftp'],
  // How its daemons are called: vsFTPd, ProFTPD, Pure-FTPd, tnftpd, NetBSD-ftpd.
  endings: ['ftpd'],
})

/** Whether the word that tells is SMTP's. */
export function isSmtpWord(window: Uint8Array, at: number, length: number): boolean {
  return isOneOf(window, at, length, SMTP_WORD_BYTES)
}
