import { startDovecot } from './dovecot.js'
import { startExim } from './exim.js'
import { startMariadb } from './mariadb.js'
import { startNats } from './nats.js'
import { startPostgres } from './postgres.js'
import { startRedis } from './redis.js'
import { startSshd } from './sshd.js'
import type { TestServerProgram } from './test-server.js'
import { startVsftpd } from './vsftpd.js'
import { startXvnc } from './xvnc.js'

/** A server that speaks before its client does, or whose first answer comes as soon as its client has spoken. */
export interface GreetingServer {
  readonly title: string
  /** As `needPrograms` takes them. */
  readonly programs: readonly string[]
  /** Does not run as another user. */
  readonly needsRoot?: true
  readonly start: () => Promise<TestServerProgram>
  readonly protocol: string
  /** What the client says to be answered; it is silent where there is nothing. */
  readonly clientSays?: string
  /** How the server's first words begin, in latin1. */
  readonly serverSays: RegExp
}

/** PostgreSQL "StartupMessage": length(4), version 3.0, names and values. */
const POSTGRES_STARTUP = '\0\0\0\x29\0\x03\0\0user\0postgres\0database\0postgres\0\0'

export const GREETING_SERVERS: readonly GreetingServer[] = [
  {
    title: 'MariaDB',
    programs: ['mariadbd (mariadb-server)', 'mariadb (mariadb-client)', 'mariadb-install-db (mariadb-server)'],
    start: () => startMariadb(),
    protocol: 'mysql',
    serverSays: /^...\0\x0a5\.5\.5-1/s,
  },
  {
    title: 'PostgreSQL',
    programs: ['initdb (postgresql)', 'setpriv (util-linux)', 'openssl'],
    start: () => startPostgres({ tls: false }),
    protocol: 'postgres',
    clientSays: POSTGRES_STARTUP,
    serverSays: /^R\0\0\0\x08\0\0\0\0/,
  },
  {
    title: 'NATS',
    programs: ['nats-server'],
    start: () => startNats(),
    protocol: 'nats',
    serverSays: /^INFO \{/,
  },
  {
    title: 'Redis',
    programs: ['redis-server'],
    start: startRedis,
    protocol: 'redis',
    clientSays: '*1\r\n$4\r\nPING\r\n',
    serverSays: /^\+PONG\r\n$/,
  },
  {
    title: 'Exim (SMTP)',
    programs: ['exim4 (exim4-daemon-light)'],
    start: () => startExim(),
    protocol: 'smtp',
    serverSays: /^220 mail\.example\.com ESMTP /,
  },
  {
    title: 'vsftpd (FTP)',
    programs: ['vsftpd', 'openssl'],
    needsRoot: true,
    start: () => startVsftpd({ tls: false }),
    protocol: 'ftp',
    serverSays: /^220 \(vsFTPd /,
  },
  {
    title: 'OpenSSH (SSH)',
    programs: ['sshd (openssh-server)', 'ssh-keygen (openssh-client)'],
    start: startSshd,
    protocol: 'ssh',
    serverSays: /^SSH-2\.0-OpenSSH_/,
  },
  {
    title: 'Dovecot (POP3)',
    programs: ['dovecot (dovecot-pop3d)', 'openssl'],
    start: async () => {
      const started = await startDovecot()
      return { port: started.pop3Port, stop: () => started.stop() }
    },
    protocol: 'pop3',
    serverSays: /^\+OK .*\r\n$/,
  },
  {
    title: 'Dovecot (IMAP)',
    programs: ['dovecot (dovecot-imapd)', 'openssl'],
    start: async () => {
      const started = await startDovecot()
      return { port: started.imapPort, stop: () => started.stop() }
    },
    protocol: 'imap',
    serverSays: /^\* OK \[CAPABILITY /,
  },
  {
    title: 'TigerVNC (VNC)',
    programs: ['Xtigervnc (tigervnc-standalone-server)'],
    start: startXvnc,
    protocol: 'vnc',
    serverSays: /^RFB 003\.008\n$/,
  },
]
