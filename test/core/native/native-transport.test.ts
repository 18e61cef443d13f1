import { fstatSync, openSync, readdirSync, readFileSync } from 'node:fs'
import { constants } from 'node:os'
import { fileURLToPath } from 'node:url'
import { randomBytes } from 'node:crypto'
import { describe, expect, onTestFinished, test, vi } from 'vitest'
import { systemError } from '../../../src/core/system-error.js'
import { nativeAddon } from '../../../src/core/native/native-addon.js'
import type { AcceptedWire } from '../../../src/core/transport.js'
import type { Wire, WireReader } from '../../../src/core/wire.js'
import { nativePoller, nativeTransport, needNativeAddon } from '../../support/native-transport.js'
import { needPrograms } from '../../support/need-programs.js'
import { resetSocket } from '../../support/reset-socket.js'
import { runProgram, startProgram } from '../../support/run-program.js'
import { connectTo, serve } from '../../support/sockets.js'
import { turns } from '../../support/start-sluice.js'
import { startUnansweringServer } from '../../support/unanswering-server.js'
import { until } from '../../support/until.js'

const { addon } = nativeAddon()
const native = needNativeAddon()

const perl = needPrograms('perl')

const DIST = fileURLToPath(new URL('../../../dist/', import.meta.url))

function reader(overrides: Partial<WireReader>): WireReader {
  return { onChunk: () => {}, onEnd: () => {}, onError: () => {}, onDrain: () => {}, ...overrides }
}

/** The next error that nobody catches. */
function uncaught(): Promise<Error> {
  const thrown = new Promise<Error>((resolve) => process.once('uncaughtException', resolve))
  // The test runner has its own, which would fail this test.
  const others = process.listeners('uncaughtException').slice(0, -1)
  for (const other of others) process.off('uncaughtException', other)
  onTestFinished(() => others.forEach((other) => process.on('uncaughtException', other)))
  return thrown
}

const nowhere = { host: '127.0.0.1', keepAliveMs: 10_000 }

async function listen(onWire: (wire: AcceptedWire) => void, onError: (error: Error) => void = () => {}) {
  const options = { host: '127.0.0.1', port: 0, ipv6Only: false, keepAliveMs: 10_000 }
  const listening = await nativeTransport().listen(options, onWire, onError)
  onTestFinished(() => listening.close())
  return listening
}

describe.skipIf(native.isMissing)(`a native wire that is connecting${native.why}`, () => {
  test('says in a later turn that it was refused, and is closed then', async () => {
    const listening = await listen(() => {})
    const { port } = listening
    await listening.close()
    const events: unknown[] = []
    const closed = new Promise<void>((resolve) => {
      const wire = nativeTransport().connect({ ...nowhere, port }, (error) => void events.push(error))
      wire.whenClosed(() => {
        events.push('closed')
        resolve()
      })
      events.push('called')
    })
    await closed
    const expected = { code: 'ECONNREFUSED', syscall: 'connect', address: '127.0.0.1', port }
    expect(events).toEqual(['called', expect.objectContaining(expected), 'closed'])
    expect((events[1] as Error).message).toBe(`connect ECONNREFUSED 127.0.0.1:${port}`)
  })

  test.each(['127.0.0.1.2', 'example.com', ''])('refuses %j, which is no address, the same way', async (host) => {
    const error = await new Promise<NodeJS.ErrnoException | undefined>((resolve) => {
      nativeTransport().connect({ host, port: 1, keepAliveMs: 10_000 }, resolve)
    })
    expect(error).toMatchObject({ code: 'EINVAL', syscall: 'connect' })
  })

  test.each(['close', 'reset'] as const)('hears nothing more but that it is closed after %s()', async (how) => {
    const port = await startUnansweringServer()
    const events: string[] = []
    await new Promise<void>((resolve) => {
      const wire = nativeTransport().connect({ ...nowhere, port }, () => void events.push('connected'))
      wire.whenClosed(() => {
        events.push('closed')
        resolve()
      })
      wire[how]()
    })
    await turns()
    expect(events).toEqual(['closed'])
  })

  test('asks nobody to wait who has written nothing', async () => {
    const server = await serve()
    const wire = nativeTransport().connect({ ...nowhere, port: server.port }, () => {})
    expect(wire.write(Buffer.alloc(0))).toBe(true)
    await server.accepted()
    wire.close()
  })

  test('that cannot be watched says so in a later turn, and leaves no descriptor open', async () => {
    const listening = await listen(() => {})
    const { port } = listening
    await listening.close()
    const open = readdirSync('/proc/self/fd').length
    const watch = vi.spyOn(nativePoller(), 'watch').mockImplementationOnce(() => {
      throw systemError('epoll_ctl', -constants.errno.ENOSPC)
    })
    onTestFinished(() => watch.mockRestore())
    const error = await new Promise((resolve) => void nativeTransport().connect({ ...nowhere, port }, resolve))
    expect(error).toMatchObject({ code: 'ENOSPC', syscall: 'epoll_ctl' })
    await turns()
    expect(readdirSync('/proc/self/fd').length).toBe(open)
  })

  test('has its source closed where it goes nowhere', () => {
    const source = openSync('/dev/null', 'r')
    expect(addon!.connect('no address', 1, source, 1)).toBe(-constants.errno.EINVAL)
    expect(() => fstatSync(source)).toThrow('EBADF')
  })

  test('keeps what is written to it and its end, and sends them in their order', async () => {
    const server = await serve()
    const drained = new Promise<void>((resolve) => {
      const wire = nativeTransport().connect({ ...nowhere, port: server.port }, () => {})
      wire.read(reader({ onDrain: resolve }))
      expect(wire.write(Buffer.from('one '))).toBe(false)
      wire.write(Buffer.from('two '))
      expect(wire.pendingBytes).toBe(8)
    })
    await drained
    const peer = await server.accepted()
    expect(await peer.hears('two')).toBe('one two ')

    const wire = nativeTransport().connect({ ...nowhere, port: server.port }, () => {})
    wire.write(Buffer.from('last'))
    wire.end()
    const second = await server.accepted(1)
    await second.ended()
    expect(second.text).toBe('last')
    wire.close()
  })
})

describe.skipIf(native.isMissing)(`native wires${native.why}`, () => {
  test('never hear what was meant for one that had their descriptor before, in the same turn', async () => {
    const unanswering = await startUnansweringServer()
    const wires: AcceptedWire[] = []
    const { port } = await listen((wire) => void wires.push(wire))
    const clients = [await connectTo(port), await connectTo(port)]
    await until(() => wires.length === 2)
    let isConnected = false
    let second: Wire | undefined
    let reused: number | undefined
    const closeTheOther = (other: AcceptedWire) => () => {
      if (second !== undefined) return
      reused = other.descriptor
      other.close()
      second = nativeTransport().connect({ ...nowhere, port: unanswering }, () => (isConnected = true))
    }
    wires[0]!.read(reader({ onChunk: closeTheOther(wires[1]!) }))
    wires[1]!.read(reader({ onChunk: closeTheOther(wires[0]!) }))
    // In one turn: both are ready when the poller looks next.
    for (const { socket } of clients) socket.write('x')
    await until(() => second !== undefined)
    await turns(50)
    expect((second as unknown as AcceptedWire).descriptor).toBe(reused)
    expect(isConnected).toBe(false)
    second!.close()
  })

  test('carry bytes up and down at once through a reader that pauses all the time', async () => {
    const bytes = randomBytes(8 << 20)
    const { port } = await listen((wire) => {
      let isBlocked = false
      wire.read(
        reader({
          onChunk(chunk) {
            isBlocked = !wire.write(chunk)
            wire.pause()
            if (!isBlocked) setImmediate(() => wire.resume())
          },
          onDrain() {
            isBlocked = false
            wire.resume()
          },
          onEnd: () => wire.end(),
        }),
      )
    })
    const client = await connectTo(port)
    client.send(bytes).socket.end()
    await client.ended()
    expect(client.bytes.equals(bytes)).toBe(true)
  })

  test('that cannot be watched when they listen leave no descriptor open', async () => {
    const open = readdirSync('/proc/self/fd').length
    const watch = vi.spyOn(nativePoller(), 'watch').mockImplementationOnce(() => {
      throw systemError('epoll_ctl', -constants.errno.ENOSPC)
    })
    onTestFinished(() => watch.mockRestore())
    await expect(listen(() => {})).rejects.toMatchObject({ code: 'ENOSPC' })
    await turns()
    expect(readdirSync('/proc/self/fd').length).toBe(open)
  })

  test('whose listener is closed are not heard of, where another process has it too', async () => {
    const listening = await listen(() => {})
    const { port } = listening
    const descriptors = readdirSync('/proc/self/fd').filter((fd) => isListening(Number(fd), port))
    expect(descriptors).toHaveLength(1)
    const another = addon!.shareListener(Number(descriptors[0]), 1)
    onTestFinished(() => addon!.closeDescriptor(another))
    const { ino } = fstatSync(another)
    expect(watchedInodes()).toContain(ino)
    await listening.close()
    expect(watchedInodes()).not.toContain(ino)
  })

  test('are told again after a throw: it may have left something undone', async () => {
    const thrown = uncaught()
    const server = await serve()
    const fd = addon!.connect('127.0.0.1', server.port, -1, 1)
    onTestFinished(() => nativePoller().close(fd))
    const told: number[] = []
    nativePoller().watch(fd, {
      onReady(flags) {
        if (told.push(flags) === 1) throw new Error('a bug in a dialler')
      },
    })
    expect((await thrown).message).toBe('a bug in a dialler')
    await until(() => told.length === 2)
    expect(told[1]).toBe(told[0])
  })

  test('that are paused say that their peer has reset them; what came before, and the error, wait until they go on', async () => {
    const events: string[] = []
    let accepted: AcceptedWire | undefined
    const { port } = await listen((wire) => {
      accepted = wire
      wire.pause()
      wire.read(
        reader({
          onChunk: (chunk) => void events.push(Buffer.from(chunk).toString()),
          onError: ({ code }) => void events.push(code!),
          onBreak: () => void events.push('break'),
        }),
      )
    })
    const client = await connectTo(port)
    await new Promise<void>((resolve) => client.socket.write('last words', () => resolve()))
    await until(() => accepted !== undefined)
    resetSocket(client.socket)
    await until(() => events.length > 0)
    await turns()
    expect(events).toEqual(['break'])
    accepted!.resume()
    await until(() => events.length === 3)
    expect(events).toEqual(['break', 'last words', 'ECONNRESET'])
  })

  test('that a listener throws over do not keep it from taking others', async () => {
    const thrown = uncaught()
    let count = 0
    const { port } = await listen((wire) => {
      if (count++ === 0) throw new Error('a bug in a listener')
      wire.write(Buffer.from('welcome'))
    })
    await connectTo(port)
    expect((await thrown).message).toBe('a bug in a listener')
    expect(await (await connectTo(port)).hears('welcome')).toBe('welcome')
  })
})

/** Node's own descriptor of it is closed. */
function isListening(fd: number, port: number): boolean {
  return addon!.localAddress(fd)?.port === port
}

/** Of all epoll sets of this process: `tfd: 3 events: 1 data: 3 pos:0 ino:9c sdev:8`, in hexadecimal. */
function watchedInodes(): number[] {
  const sets = readdirSync('/proc/self/fdinfo').map((fd) => {
    try {
      return readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1')
    } catch {
      return ''
    }
  })
  return [...sets.join('\n').matchAll(/^tfd:.* ino:([0-9a-f]+)/gm)].map(([, inode]) => parseInt(inode!, 16))
}

/** Node has no call for urgent bytes. */
const SENDS_AN_URGENT_BYTE = `
use IO::Socket::INET;
my $socket = IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $ARGV[0]);
$socket->send('before ');
$socket->send('!', MSG_OOB);
$socket->send('behind');
syswrite(STDOUT, "sent\n");
<STDIN>;`

test.skipIf(native.isMissing || perl.areMissing)(
  `a native wire reads on behind an urgent byte, before which the kernel ends a read${native.why}${perl.why}`,
  async () => {
    let heard = ''
    const wires: AcceptedWire[] = []
    const { port } = await listen((wire) => {
      wire.read(reader({ onChunk: (chunk) => (heard += Buffer.from(chunk).toString()) }))
      wire.pause()
      wires.push(wire)
    })
    const client = startProgram('perl', ['-e', SENDS_AN_URGENT_BYTE, String(port)])
    onTestFinished(async () => void (await client.stop()))
    await client.prints(/sent/)
    await until(() => wires.length === 1)
    wires[0]!.resume()
    await until(() => heard.length >= 'before behind'.length)
    expect(heard).toBe('before behind')
  },
)

/** Runs as a process of its own, with what is built. */
const PREAMBLE = `
const { transportChoice, systemTransport } = await import(${JSON.stringify(`file://${DIST}system-transport.js`)})
const { noTransparentSockets } = await import(${JSON.stringify(`file://${DIST}core/transparent-sockets.js`)})
const transport = systemTransport(noTransparentSockets)
const options = { host: '127.0.0.1', port: 0, ipv6Only: false, keepAliveMs: 10_000 }
const nobody = { onChunk() {}, onEnd() {}, onError() {}, onDrain() {} }
`

function evaluate(source: string, { limit = '', env = {} }: { limit?: string; env?: NodeJS.ProcessEnv } = {}) {
  const node = `exec ${process.execPath} --input-type=module --eval "$SOURCE"`
  return runProgram('bash', ['-c', `${limit} ${node}`], {
    env: { ...process.env, SLUICE_TRANSPORT: '', ...env, SOURCE: PREAMBLE + source },
  })
}

describe.skipIf(native.isMissing)(`a process with the native transport${native.why}`, () => {
  test('ends when its last socket is closed, and not before', async () => {
    const { stdout, code } = await evaluate(`
      const listening = await transport.listen(options, (wire) => {
        wire.read({ ...nobody, onChunk: () => setTimeout(() => { wire.close(); listening.close() }, 50).unref() })
      }, console.error)
      const wire = transport.connect({ host: '127.0.0.1', port: listening.port, keepAliveMs: 1000 }, () => {
        wire.read({ ...nobody, onEnd: () => { console.log('heard the end'); wire.close() } })
        wire.write(Buffer.from('x'))
      })
      process.on('exit', () => console.log(transportChoice().name))`)
    expect({ stdout, code }).toEqual({ stdout: 'heard the end\nnative\n', code: 0 })
  })

  test('ends a worker that has sockets, without a crash', async () => {
    const inWorker = `${PREAMBLE}
      const { parentPort } = await import('node:worker_threads')
      const listening = await transport.listen(options, () => {}, console.error)
      transport.connect({ host: '127.0.0.1', port: listening.port, keepAliveMs: 1000 }, () => {
        parentPort.postMessage(transportChoice().name)
      })`
    const { stdout, stderr, code } = await evaluate(
      `
      const { Worker } = await import('node:worker_threads')
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(process.env.IN_WORKER)))
      worker.on('message', (name) => { console.log(name); worker.terminate() })
      worker.on('error', (error) => console.error(error))
      worker.on('exit', () => console.log('worker has ended'))`,
      { env: { IN_WORKER: inWorker } },
    )
    expect({ stdout, stderr, code }).toEqual({ stdout: 'native\nworker has ended\n', stderr: '', code: 0 })
  })

  test('closes what a worker leaves open, with the worker', async () => {
    const inWorker = `${PREAMBLE}
      const { parentPort } = await import('node:worker_threads')
      const wires = []
      const listening = await transport.listen(options, (wire) => { wires.push(wire); wire.write(Buffer.from('x')) }, console.error)
      parentPort.postMessage(listening.port)`
    const { stdout, stderr, code } = await evaluate(
      `
            const { connect } = await import('node:net')
      const { Worker } = await import('node:worker_threads')
      const worker = new Worker(new URL('data:text/javascript,' + encodeURIComponent(process.env.IN_WORKER)))
      worker.on('message', (port) => {
        connect(port, '127.0.0.1')
          .once('data', () => worker.terminate())
          .on('end', () => connect(port, '127.0.0.1').on('error', ({ code }) => console.log('end', code)))
      })`,
      { env: { IN_WORKER: inWorker } },
    )
    expect({ stdout, stderr, code }).toEqual({ stdout: 'end ECONNREFUSED\n', stderr: '', code: 0 })
  })

  test('that has no descriptors left turns clients away, and takes others when it has some again', async () => {
    const { stdout, stderr, code } = await evaluate(
      `
      import { connect } from 'node:net'
      import { spawn } from 'node:child_process'
      const wires = []
      const errors = new Set()
      const listening = await transport.listen(options, (wire) => { wires.push(wire); wire.read(nobody) }, (error) => errors.add(error.code))
      // Clients are another process: descriptors of its own.
      const client = spawn(process.execPath, ['-e', \`
        const { connect } = require('node:net')
        let closed = 0
        const sockets = Array.from({ length: 100 }, () => connect(\${listening.port}, '127.0.0.1')
          .on('error', () => {}).on('close', () => { if (++closed === 100) process.exit() }))
      \`], { stdio: 'ignore' })
      await new Promise((resolve) => {
        const look = setInterval(() => { if (errors.has('EMFILE')) { clearInterval(look); resolve() } }, 10)
      })
      const held = wires.length
      console.log(held > 5 && held < 100)
      for (const wire of wires) wire.close()
      await new Promise((resolve) => client.once('exit', () => resolve()).once('error', resolve))
      const before = wires.length
      const socket = connect(listening.port, '127.0.0.1').on('end', () => { console.log('served again'); process.exit() }).resume()
      setInterval(() => { for (const wire of wires) wire.close() }, 10)`,
      { limit: 'ulimit -n 64;' },
    )
    expect({ stdout, stderr, code }).toEqual({ stdout: 'true\nserved again\n', stderr: '', code: 0 })
  })
})

describe('SLUICE_TRANSPORT', () => {
  test('chooses the transport, and says what it may be', async () => {
    const choice = (name: string) =>
      evaluate('console.log(transportChoice().name)', { env: { SLUICE_TRANSPORT: name } })
    expect((await choice('node')).stdout).toBe('node\n')
    if (addon !== undefined) expect((await choice('native')).stdout).toBe('native\n')
    expect((await choice('fast')).stderr).toContain('SLUICE_TRANSPORT is "fast": expected "native" or "node"')
  })
})
