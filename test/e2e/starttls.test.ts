import { once } from 'node:events'
import { connect as connectTls } from 'node:tls'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import type { CloseSummary } from '../../src/core/close-summary.js'
import { FakeClock } from '../../src/testing/fake-clock.js'
import { type NeededPrograms, needPrograms } from '../support/need-programs.js'
import { oneWayOut } from '../support/one-way-out.js'
import { runProgram, type RunResult } from '../support/run-program.js'
import { thisMachine } from '../support/server-place.js'
import { startDovecot } from '../support/servers/dovecot.js'
import { startExim } from '../support/servers/exim.js'
import { startInspircd } from '../support/servers/inspircd.js'
import { startMariadb } from '../support/servers/mariadb.js'
import { startNats } from '../support/servers/nats.js'
import { startPostgres } from '../support/servers/postgres.js'
import { startProsody } from '../support/servers/prosody.js'
import { startSlapd } from '../support/servers/slapd.js'
import type { TestServerProgram } from '../support/servers/test-server.js'
import { HELLO_FILE, startVsftpd } from '../support/servers/vsftpd.js'
import { startXrdp } from '../support/servers/xrdp.js'
import { startSluiceCommand } from '../support/sluice-command.js'
import { startListener } from '../support/start-sluice.js'
import { connectTo, Peer } from '../support/sockets.js'

const NAME = 'inner.example'

/** A program that connects to a port of this machine. */
interface Client {
  readonly title: string
  readonly run: (port: number) => Promise<RunResult>
  /** Of what it prints, either stream; shows that what it came for arrived. */
  readonly says: string | RegExp
  /** Its exit code; 0 unless said. */
  readonly code?: number
  /** The name that it asks for, where that is not `inner.example`; null where it asks for none. */
  readonly sni?: string | null
}

interface Kind {
  readonly protocol: string
  readonly programs: NeededPrograms
  readonly start: () => Promise<TestServerProgram>
  /** They upgrade. */
  readonly upgrading: readonly Client[]
  /** They talk in the clear all the time, to the same server. */
  readonly plain?: readonly Client[]
}

const client = (
  title: string,
  says: string | RegExp,
  command: (port: number) => readonly string[],
  more: Partial<Client> & { readonly env?: Readonly<Record<string, string>>; readonly input?: string } = {},
): Client => ({
  title,
  says,
  run: (port) => {
    const [name, ...args] = command(port)
    return runProgram(name!, args, { ...(more.env && { env: more.env }), ...(more.input && { input: more.input }) })
  },
  ...more,
})

/** Ends when its handshake is done, since its input has ended. */
const openssl = (protocol: string, ...more: string[]): Client =>
  client(`openssl s_client -starttls ${protocol}`, `CN = ${NAME}`, (port) => [
    ...['openssl', 's_client', '-starttls', protocol, '-brief'],
    ...['-servername', NAME, '-connect', `127.0.0.1:${port}`, ...more],
  ])

const curl = (says: string, scheme: string, path: string, ...more: string[]): Client =>
  client(`curl ${more.join(' ')} ${scheme}`.replace('  ', ' '), says, (port) => [
    ...['curl', '-sS', '-k', '--resolve', `${NAME}:${port}:127.0.0.1`, ...more, `${scheme}://${NAME}:${port}/${path}`],
  ])

const swaks = (says: string, ...more: string[]): Client =>
  client(['swaks', ...more].join(' '), says, (port) => [
    ...['swaks', '--server', `127.0.0.1:${port}`, '--helo', 'client.example'],
    ...['--from', 'a@example.com', '--to', 'b@example.com', ...more],
  ])

const mariadb = (says: string | RegExp, ...more: string[]): Client =>
  client(['mariadb', ...more].join(' '), says, (port) => [
    ...[
      'mariadb',
      '--no-defaults',
      '-h',
      '127.0.0.1',
      '-P',
      String(port),
      '-u',
      'test',
      '-psecret',
      '-N',
      '-B',
      ...more,
    ],
    ...['-e', "select 6*7; show status like 'Ssl_version'"],
  ])

const psql = (says: string, sslmode: string, more: Partial<Client> = {}): Client =>
  client(
    `psql sslmode=${sslmode}`,
    says,
    (port) => [
      ...['psql', '-X', '-A', '-t', `host=${NAME} hostaddr=127.0.0.1 port=${port} user=postgres sslmode=${sslmode}`],
      ...['-c', 'select ssl, 6*7 from pg_stat_ssl where pid = pg_backend_pid()'],
    ],
    more,
  )

const ldapsearch = (says: string, more: Partial<Client>, ...options: string[]): Client =>
  client(
    ['ldapsearch', ...options].join(' '),
    says,
    (port) => [
      ...['ldapsearch', '-x', ...options, '-H', `ldap://localhost:${port}`],
      ...['-s', 'base', '-b', '', 'namingContexts'],
    ],
    { env: { LDAPTLS_REQCERT: 'never' }, ...more },
  )

const CURL_LOGIN = ['-u', 'somebody:secret']

const ftpPrograms =
  process.getuid?.() === 0
    ? needPrograms('vsftpd', 'openssl', 'curl')
    : { areMissing: true, why: ' [skipped: vsftpd needs root]' }

const KINDS: readonly Kind[] = [
  {
    protocol: 'smtp',
    programs: needPrograms('exim4 (exim4-daemon-light)', 'swaks', 'openssl'),
    start: () => startExim(thisMachine, { tls: true }),
    upgrading: [openssl('smtp'), swaks('250 OK id=', '-tls', '--tls-sni', NAME)],
    plain: [swaks('250 OK id=')],
  },
  {
    protocol: 'imap',
    programs: needPrograms('dovecot (dovecot-imapd)', 'openssl', 'curl'),
    start: async () => {
      const started = await startDovecot()
      return { port: started.imapPort, stop: () => started.stop() }
    },
    upgrading: [openssl('imap'), curl('INBOX', 'imap', '', ...CURL_LOGIN, '--ssl-reqd')],
    plain: [curl('INBOX', 'imap', '', ...CURL_LOGIN)],
  },
  {
    protocol: 'pop3',
    programs: needPrograms('dovecot (dovecot-pop3d)', 'openssl', 'curl'),
    start: async () => {
      const started = await startDovecot()
      return { port: started.pop3Port, stop: () => started.stop() }
    },
    upgrading: [openssl('pop3'), curl('', 'pop3', '', ...CURL_LOGIN, '--ssl-reqd', '-v')],
    plain: [curl('', 'pop3', '', ...CURL_LOGIN, '-v')],
  },
  {
    protocol: 'ftp',
    programs: ftpPrograms,
    start: () => startVsftpd({ tls: true }),
    upgrading: [openssl('ftp'), curl(HELLO_FILE, 'ftp', 'hello.txt', '--ssl-reqd')],
    plain: [curl(HELLO_FILE, 'ftp', 'hello.txt')],
  },
  {
    protocol: 'ldap',
    programs: needPrograms('slapd', 'ldapsearch (ldap-utils)', 'openssl'),
    start: () => startSlapd({ tls: true }),
    upgrading: [openssl('ldap'), ldapsearch('dc=example', { sni: 'localhost' }, '-ZZ')],
    plain: [ldapsearch('dc=example', {})],
  },
  {
    protocol: 'mysql',
    programs: needPrograms('mariadbd (mariadb-server)', 'mariadb (mariadb-client)', 'openssl'),
    start: () => startMariadb(thisMachine, { tls: true }),
    upgrading: [openssl('mysql'), { ...mariadb(/42\nSsl_version\tTLSv1/, '--ssl'), sni: null }],
    plain: [mariadb(/42\nSsl_version\t\n/, '--skip-ssl')],
  },
  {
    protocol: 'postgres',
    programs: needPrograms('initdb (postgresql)', 'psql (postgresql-client)', 'setpriv (util-linux)', 'openssl'),
    start: () => startPostgres({ tls: true }),
    upgrading: [openssl('postgres'), psql('t|42', 'require')],
    plain: [psql('f|42', 'disable')],
  },
  {
    protocol: 'xmpp',
    programs: needPrograms('prosody', 'openssl'),
    start: async () => {
      const started = await startProsody()
      return { port: started.clientPort, stop: () => started.stop() }
    },
    upgrading: [openssl('xmpp', '-name', NAME)],
  },
  {
    protocol: 'xmpp',
    programs: needPrograms('prosody', 'openssl'),
    start: async () => {
      const started = await startProsody()
      return { port: started.serverPort, stop: () => started.stop() }
    },
    upgrading: [openssl('xmpp-server', '-name', NAME)],
  },
  {
    protocol: 'irc',
    programs: needPrograms('inspircd', 'openssl'),
    start: startInspircd,
    upgrading: [openssl('irc')],
  },
]

describe.each(KINDS)('$protocol through the default chain, time standing still', ({ protocol, programs, ...kind }) => {
  let server: TestServerProgram
  beforeAll(async () => {
    if (!programs.areMissing) server = await kind.start()
  })
  afterAll(() => server?.stop())

  test.skipIf(programs.areMissing).each(kind.upgrading)(`$title is followed into TLS${programs.why}`, async (one) => {
    const { summary, upgradeNotes } = await through(server.port, one)
    expect(summary).toMatchObject({
      outcome: 'detected',
      protocol,
      facts: { upgrade: 'tls', tlsVersion: expect.stringMatching(/^TLSv1\.[23]$/) as string },
    })
    const { sni = NAME } = one
    expect(summary.facts['sni']).toBe(sni ?? undefined)
    expect(upgradeNotes).toEqual([sni === null ? 'to TLS' : `to TLS, for ${sni}`])
  })

  test.skipIf(programs.areMissing).each(kind.plain ?? [])(`$title stays in the clear${programs.why}`, async (one) => {
    const { summary } = await through(server.port, one)
    expect(summary).toMatchObject({ outcome: 'detected', protocol })
    expect(summary.facts).not.toHaveProperty('upgrade')
    expect(summary.facts).not.toHaveProperty('sni')
  })
})

/** It does not read the answer to its request, says its hello, and hears something in the clear. */
const HELLO_TO_NOBODY = { says: 'wrong version number', code: 1 }

/** Servers that have no TLS, and clients that ask for it. */
const REFUSALS: readonly Omit<Kind, 'plain'>[] = [
  {
    protocol: 'smtp',
    programs: needPrograms('exim4 (exim4-daemon-light)', 'swaks', 'openssl'),
    start: () => startExim(),
    upgrading: [
      { ...openssl('smtp'), ...HELLO_TO_NOBODY },
      { ...swaks('STARTTLS', '-tls'), code: 29 },
      swaks('250 OK id=', '-tlso'), // "optional": goes on without
    ],
  },
  {
    protocol: 'ftp',
    programs: ftpPrograms,
    start: () => startVsftpd({ tls: false }),
    upgrading: [
      { ...openssl('ftp'), ...HELLO_TO_NOBODY },
      { ...curl('', 'ftp', 'hello.txt', '--ssl-reqd'), code: 64 },
      curl(HELLO_FILE, 'ftp', 'hello.txt', '--ssl'),
    ],
  },
  {
    protocol: 'ldap',
    programs: needPrograms('slapd', 'ldapsearch (ldap-utils)', 'openssl'),
    start: () => startSlapd({ tls: false }),
    upgrading: [
      { ...openssl('ldap'), says: 'STARTTLS failed', code: 1 },
      ldapsearch('ldap_start_tls', { code: 1 }, '-ZZ'),
      ldapsearch('dc=example', {}, '-Z'),
    ],
  },
  {
    protocol: 'mysql',
    programs: needPrograms('mariadbd (mariadb-server)', 'mariadb (mariadb-client)', 'openssl'),
    start: () => startMariadb(),
    upgrading: [
      { ...openssl('mysql'), says: 'SSL', code: 1 },
      mariadb(/42\nSsl_version\t\n/, '--ssl'),
      { ...mariadb('ERROR 2026', '--ssl-verify-server-cert'), code: 1 },
    ],
  },
  {
    protocol: 'postgres',
    programs: needPrograms('initdb (postgresql)', 'psql (postgresql-client)', 'setpriv (util-linux)', 'openssl'),
    start: () => startPostgres({ tls: false }),
    upgrading: [
      { ...openssl('postgres'), says: '', code: 1 },
      psql('server does not support SSL', 'require', { code: 2 }),
      psql('f|42', 'prefer'),
    ],
  },
]

describe.each(REFUSALS)('$protocol whose server says no', ({ protocol, programs, ...kind }) => {
  let server: TestServerProgram
  beforeAll(async () => {
    if (!programs.areMissing) server = await kind.start()
  })
  afterAll(() => server?.stop())

  test.skipIf(programs.areMissing).each(kind.upgrading)(`$title: no TLS is seen${programs.why}`, async (one) => {
    const { summary, upgradeNotes } = await through(server.port, one)
    expect(summary).toMatchObject({ outcome: 'detected', protocol })
    expect(summary.facts).not.toHaveProperty('upgrade')
    expect(summary.facts).not.toHaveProperty('sni')
    const isHelloSaid = one.says === HELLO_TO_NOBODY.says
    expect(upgradeNotes).toEqual(isHelloSaid ? [`the client began TLS, for ${NAME}; the server did not`] : [])
  })
})

test.skipIf(KINDS[0]!.programs.areMissing)(
  `sluice proxy prints the inner name of an smtp connection${KINDS[0]!.programs.why}`,
  async () => {
    const server = await startExim(thisMachine, { tls: true })
    onTestFinished(() => server.stop())
    const command = await startSluiceCommand(server.port)
    expect(await openssl('smtp').run(command.port)).toMatchObject({ code: 0 })
    expect(await command.closed(1)).toMatchObject({ protocol: 'smtp', facts: { upgrade: 'tls', sni: NAME } })
  },
)

test.skipIf(KINDS[0]!.programs.areMissing)(
  `smtp that its port names is followed, too${KINDS[0]!.programs.why}`,
  async () => {
    const server = await startExim(thisMachine, { tls: true })
    onTestFinished(() => server.stop())
    const sluice = await startListener(
      {
        destination: `127.0.0.1:${server.port}`,
        filters: [{ 'port-override': { ports: { [server.port]: 'smtp' } } }, 'detect', 'tcp-forward'],
      },
      { clock: new FakeClock() },
    )
    const closed = sluice.nextClose('in')
    expect(await openssl('smtp').run(sluice.address('in').port)).toMatchObject({ code: 0 })
    expect(await closed).toMatchObject({ protocol: 'smtp', decidedBy: 'port', facts: { upgrade: 'tls', sni: NAME } })
  },
)

/** Protocols that openssl s_client does not know: where TLS begins, a client by hand goes on. */
const BY_HAND = [
  {
    protocol: 'nats',
    programs: needPrograms('nats-server', 'openssl'),
    start: () => startNats(thisMachine, { tls: true }),
    asks: '',
    answer: 'INFO {',
    says: 'CONNECT {"verbose":true}\r\n',
    hears: '+OK',
    decidedBy: 'server',
    facts: { version: expect.stringMatching(/^\d/) as string },
  },
  {
    protocol: 'rdp',
    programs: needPrograms('xrdp', 'openssl'),
    start: startXrdp,
    // X.224 connection request that negotiates TLS, MS-RDPBCGR section 2.2.1.1, and the confirm.
    asks: '\x03\0\0\x13\x0e\xe0\0\0\0\0\0\x01\0\x08\0\x01\0\0\0',
    answer: '\x03\0\0\x13\x0e\xd0',
    says: undefined,
    hears: '',
    decidedBy: 'client',
    facts: {},
  },
] as const

describe.each(BY_HAND)('$protocol', ({ protocol, programs, ...kind }) => {
  test.skipIf(programs.areMissing)(`is followed into TLS${programs.why}`, async () => {
    const server = await kind.start()
    onTestFinished(() => server.stop())
    const { sluice, port, nextClose, expectNothingLeft } = await oneWayOut(server.port)
    const closed = nextClose()
    const outer = await connectTo(port)
    outer.send(kind.asks)
    await outer.hears(kind.answer)
    const socket = connectTls({ socket: outer.socket, servername: NAME, rejectUnauthorized: false })
    const inner = new Peer(socket)
    await once(socket, 'secureConnect')
    expect(socket.getPeerCertificate().subject.CN).toBe(NAME)
    if (kind.says !== undefined) await inner.send(kind.says).hears(kind.hears)
    socket.end()
    const { decidedBy } = kind
    expect(await closed).toMatchObject({ protocol, decidedBy, facts: { upgrade: 'tls', sni: NAME, ...kind.facts } })
    expect(sluice.metric('sluice_observer_dropped_total')).toBe(0)
    expectNothingLeft()
  })
})

interface Followed {
  readonly summary: CloseSummary
  /** What `explain` shows of the upgrade. */
  readonly upgradeNotes: readonly string[]
}

/** Runs a client through a proxy of its own, and sees that it got what it came for, that nothing was dropped, and that nothing is left. */
async function through(serverPort: number, one: Client): Promise<Followed> {
  const { sluice, port, nextClose, expectNothingLeft } = await oneWayOut(serverPort)
  const closed = nextClose()
  const { code, stdout, stderr } = await one.run(port)
  const printed = stdout + stderr
  expect(printed).toMatch(one.says)
  expect({ code, printed }).toMatchObject({ code: one.code ?? 0 })
  const summary = await closed
  expect(sluice.metric('sluice_observer_dropped_total')).toBe(0)
  expectNothingLeft()
  const steps = sluice.closedTraces().flatMap((trace) => trace.steps)
  return { summary, upgradeNotes: steps.filter(({ step }) => step === 'upgrade').map(({ note }) => note) }
}
