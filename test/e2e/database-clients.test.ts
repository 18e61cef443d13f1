import { createConnection } from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { needPrograms } from '../support/need-programs.js'
import { oneWayOut } from '../support/one-way-out.js'
import { runProgram } from '../support/run-program.js'
import { startMariadb } from '../support/servers/mariadb.js'
import { startRedis } from '../support/servers/redis.js'
import type { TestServerProgram } from '../support/servers/test-server.js'

const mariadbPrograms = needPrograms(
  'mariadbd (mariadb-server)',
  'mariadb (mariadb-client)',
  'mariadb-install-db (mariadb-server)',
)
const redisPrograms = needPrograms('redis-server', 'redis-cli (redis-tools)')

const ROWS = 20_000

describe.skipIf(mariadbPrograms.areMissing)(
  `MariaDB on a random port through the default chain${mariadbPrograms.why}`,
  () => {
    let server: TestServerProgram
    beforeAll(async () => {
      server = await startMariadb()
    })
    afterAll(() => server?.stop())

    const login = (port: number) => [
      '--no-defaults',
      '-h',
      '127.0.0.1',
      '-P',
      String(port),
      '-u',
      'test',
      '-psecret',
      '--skip-ssl',
      '-N',
      '-B',
    ]

    test("the mariadb command works; the server's greeting names the protocol and its version", async () => {
      const { port, nextClose, expectNothingLeft } = await oneWayOut(server.port)
      const closed = nextClose()
      const { code, stdout } = await runProgram('mariadb', [...login(port), '-e', 'select 6*7; select version()'])
      expect(code).toBe(0)
      const version = stdout.split('\n')[1]
      expect(stdout.startsWith('42\n')).toBe(true)
      const summary = await closed
      expect(summary).toMatchObject({ outcome: 'detected', protocol: 'mysql', decidedBy: 'server', reason: 'end' })
      expect(String(summary.facts.version)).toContain(version)
      expectNothingLeft()
    })

    test('a large result arrives whole', async () => {
      const { port, nextClose } = await oneWayOut(server.port)
      const closed = nextClose()
      const { code, stdout } = await runProgram('mariadb', [
        ...login(port),
        '-e',
        `select seq, repeat('x', 100) from seq_1_to_${ROWS}`,
        'test',
      ])
      expect(code).toBe(0)
      expect(stdout.trimEnd().split('\n')).toHaveLength(ROWS)
      expect((await closed).bytes.server).toBeGreaterThan(ROWS * 100)
    })

    test('a refused password is the answer that the client sees', async () => {
      const { port, nextClose } = await oneWayOut(server.port)
      const closed = nextClose()
      const { code, stderr } = await runProgram('mariadb', [
        '--no-defaults',
        '-h',
        '127.0.0.1',
        '-P',
        String(port),
        '-u',
        'test',
        '-pwrong',
        '-e',
        'select 1',
      ])
      expect(code).toBe(1)
      expect(stderr).toContain('ERROR 1045')
      // Which of the two ends first is theirs to decide.
      expect(await closed).toMatchObject({ protocol: 'mysql', decidedBy: 'server', reason: 'end' })
    })

    test('the mysql2 driver works, with several queries on one connection', async () => {
      const { port, nextClose, expectNothingLeft } = await oneWayOut(server.port)
      const closed = nextClose()
      const connection = await createConnection({
        host: '127.0.0.1',
        port,
        user: 'test',
        password: 'secret',
        database: 'test',
      })
      onTestFinished(() => connection.destroy())
      await connection.query('create temporary table t (id int, name varchar(20))')
      await connection.query('insert into t values (1, ?), (2, ?)', ['one', 'two'])
      const [rows] = await connection.query('select * from t order by id')
      expect(rows).toEqual([
        { id: 1, name: 'one' },
        { id: 2, name: 'two' },
      ])
      await connection.end()
      expect(await closed).toMatchObject({ outcome: 'detected', protocol: 'mysql', decidedBy: 'server' })
      expectNothingLeft()
    })
  },
)

describe.skipIf(redisPrograms.areMissing)(`Redis through the default chain${redisPrograms.why}`, () => {
  let server: TestServerProgram
  beforeAll(async () => {
    server = await startRedis()
  })
  afterAll(() => server?.stop())

  test('redis-cli works, and the connection is named', async () => {
    const { port, nextClose, expectNothingLeft } = await oneWayOut(server.port)
    const closed = nextClose()
    const { code, stdout } = await runProgram('redis-cli', ['-p', String(port)], {
      input: 'set greeting hello\nget greeting\nincr n\nincr n\n',
    })
    expect({ code, stdout }).toEqual({ code: 0, stdout: 'OK\nhello\n1\n2\n' })
    expect(await closed).toMatchObject({
      outcome: 'detected',
      protocol: 'redis',
      decidedBy: 'client',
      closedBy: 'client',
      reason: 'end',
    })
    expectNothingLeft()
  })

  test('a value of 10 MB goes there and back', async () => {
    const { port, nextClose } = await oneWayOut(server.port)
    const closed = nextClose()
    const value = '0123456789'.repeat(1_000_000)
    const { code } = await runProgram('redis-cli', ['-p', String(port), '-x', 'set', 'big'], { input: value })
    expect(code).toBe(0)
    expect((await closed).bytes.client).toBeGreaterThan(value.length)
    const { stdout } = await runProgram('redis-cli', ['-p', String(port), 'get', 'big'])
    expect(stdout.trimEnd() === value).toBe(true)
  })
})
