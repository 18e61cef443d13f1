import { connect as connectNats } from 'nats'
import { createTransport } from 'nodemailer'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { needPrograms } from '../support/need-programs.js'
import { oneWayOut } from '../support/one-way-out.js'
import { runProgram } from '../support/run-program.js'
import { startExim } from '../support/servers/exim.js'
import { startNats } from '../support/servers/nats.js'
import { type SshServer, startSshd } from '../support/servers/sshd.js'
import type { TestServerProgram } from '../support/servers/test-server.js'
import { connectTo } from '../support/sockets.js'

const smtpPrograms = needPrograms('exim4 (exim4-daemon-light)', 'swaks')
const natsPrograms = needPrograms('nats-server')
const sshPrograms = needPrograms('sshd (openssh-server)', 'ssh (openssh-client)', 'ssh-keygen (openssh-client)')

describe.skipIf(smtpPrograms.areMissing)(`SMTP on a random port through the default chain${smtpPrograms.why}`, () => {
  let server: TestServerProgram
  beforeAll(async () => {
    server = await startExim()
  })
  afterAll(() => server?.stop())

  test("swaks delivers a message; the server's greeting names the protocol", async () => {
    const { port, nextClose, expectNothingLeft } = await oneWayOut(server.port)
    const closed = nextClose()
    const { code, stdout } = await runProgram('swaks', [
      '--server',
      `127.0.0.1:${port}`,
      '--helo',
      'client.example',
      '--from',
      'a@example.com',
      '--to',
      'b@example.com',
    ])
    expect({ code, stdout }).toMatchObject({ code: 0, stdout: expect.stringContaining('250 OK id=') as string })
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'smtp', decidedBy: 'server', reason: 'end' })
    expectNothingLeft()
  })

  test('nodemailer delivers a message with an attachment of a megabyte', async () => {
    const { port, nextClose } = await oneWayOut(server.port)
    const closed = nextClose()
    const transport = createTransport({
      host: '127.0.0.1',
      port,
      secure: false,
      ignoreTLS: true,
      name: 'client.example',
    })
    onTestFinished(() => transport.close())
    const sent = await transport.sendMail({
      from: 'a@example.com',
      to: 'b@example.com',
      subject: 'a test',
      text: 'hello',
      attachments: [{ filename: 'big', content: Buffer.alloc(1 << 20, 'attached') }],
    })
    expect(sent).toMatchObject({ accepted: ['b@example.com'], rejected: [] })
    const summary = await closed
    expect(summary).toMatchObject({ outcome: 'detected', protocol: 'smtp', decidedBy: 'server' })
    expect(summary.bytes.client).toBeGreaterThan(1 << 20)
  })
})

describe.skipIf(natsPrograms.areMissing)(`NATS on a random port through the default chain${natsPrograms.why}`, () => {
  let server: TestServerProgram
  beforeAll(async () => {
    server = await startNats()
  })
  afterAll(() => server?.stop())

  test("the client publishes and subscribes; the server's INFO names the protocol and its version", async () => {
    const { port, nextClose, expectNothingLeft } = await oneWayOut(server.port)
    const closed = nextClose()
    const client = await connectNats({ servers: `127.0.0.1:${port}`, reconnect: false })
    onTestFinished(() => client.close())
    const subscription = client.subscribe('greetings', { max: 3 })
    for (const text of ['one', 'two', 'x'.repeat(500_000)]) client.publish('greetings', text)
    const heard: string[] = []
    for await (const message of subscription) heard.push(message.string())
    expect(heard).toEqual(['one', 'two', 'x'.repeat(500_000)])
    const version = client.info?.version
    await client.close()
    const summary = await closed
    expect(summary).toMatchObject({ outcome: 'detected', protocol: 'nats', decidedBy: 'server', facts: { version } })
    expectNothingLeft()
  })

  test('a client by hand that waits for INFO gets it, and its PONG', async () => {
    const { port, nextClose } = await oneWayOut(server.port)
    const closed = nextClose()
    const client = await connectTo(port)
    await client.hears('INFO {')
    client.send('CONNECT {"verbose":false}\r\nPING\r\n')
    await client.hears('PONG\r\n')
    client.socket.end()
    expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'nats', decidedBy: 'server' })
  })
})

describe.skipIf(sshPrograms.areMissing)(`SSH on a random port through the default chain${sshPrograms.why}`, () => {
  let server: SshServer
  beforeAll(async () => {
    server = await startSshd()
  })
  afterAll(() => server?.stop())

  test('ssh runs a command, with input, output and exit code', async () => {
    const { port, nextClose, expectNothingLeft } = await oneWayOut(server.port)
    const closed = nextClose()
    const input = 'line\n'.repeat(50_000)
    const { code, stdout, stderr } = await runProgram(
      'ssh',
      [...server.clientOptions(port), 'cat; echo done >&2; exit 7'],
      { input },
    )
    expect(stderr).toBe('done\n')
    expect(stdout === input).toBe(true)
    expect(code).toBe(7)
    const summary = await closed
    // Both ends of SSH speak at once: whoever is read first decides.
    expect(summary).toMatchObject({
      outcome: 'detected',
      protocol: 'ssh',
      decidedBy: expect.stringMatching(/^(client|server)$/) as string,
    })
    expect(summary.bytes.client).toBeGreaterThan(input.length)
    expectNothingLeft()
  })
})
