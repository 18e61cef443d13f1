import type { ObserverDefinition } from '../../core/observer.js'
import { FirstByteScan } from './first-byte-scan.js'
import { LineScan } from './line-scan.js'
import { ldapMessages, mysqlMessages, postgresMessages, rdpMessages } from './message-forms.js'
import { MessageScan } from './message-scan.js'
import { TlsUpgradeObserver } from './tls-upgrade-observer.js'
import type { UpgradeScan } from './upgrade-scan.js'
import { XmppScan } from './xmpp-scan.js'

/** The command that asks for TLS, alone on its line. */
const command = (word: string) => () => new LineScan((line) => line === word)

/** RFC 4217 section 17 has the first; the others are of its drafts, and are still said. */
const FTP_COMMANDS = ['AUTH TLS', 'AUTH TLS-C', 'AUTH TLS-P', 'AUTH SSL']

/** How each protocol begins TLS in a connection that began without. */
const SCANS: Readonly<Record<string, () => UpgradeScan>> = {
  smtp: command('STARTTLS'), // RFC 3207 section 4
  pop3: command('STLS'), // RFC 2595 section 4
  imap: () => new LineScan((line) => /^\S+ STARTTLS$/.test(line)), // RFC 9051 section 6.2.1: behind a tag
  ftp: () => new LineScan((line) => FTP_COMMANDS.includes(line)), // RFC 4217 section 4
  nntp: command('STARTTLS'), // RFC 4642 section 2.2
  irc: command('STARTTLS'), // ircv3.net, "tls"
  xmpp: () => new XmppScan(),
  ldap: () => new MessageScan(ldapMessages),
  mysql: () => new MessageScan(mysqlMessages),
  postgres: () => new MessageScan(postgresMessages),
  nats: () => new FirstByteScan(), // NATS "TLS": the INFO that greets says whether it must
  rdp: () => new MessageScan(rdpMessages),
}

/** Observers that follow a connection into TLS, one a protocol. */
export const tlsUpgrades: readonly ObserverDefinition[] = Object.entries(SCANS).map(([protocol, scan]) => ({
  protocol,
  create: (connection) => new TlsUpgradeObserver(connection, scan()),
}))
