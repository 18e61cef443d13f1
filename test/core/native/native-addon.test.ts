import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { describe, expect, onTestFinished, test } from 'vitest'
import { loadAddon, nativeAddon } from '../../../src/core/native/native-addon.js'
import { kernelOriginalDestinations } from '../../../src/interception/kernel-original-destinations.js'
import { needNativeAddon } from '../../support/native-transport.js'
import { needPrograms } from '../../support/need-programs.js'
import { runProgram } from '../../support/run-program.js'
import { COMMAND } from '../../support/sidecar.js'
import { sluiceWithoutAddon } from '../../support/sluice-without-addon.js'
import { connectTo, serve } from '../../support/sockets.js'
import { temporaryFolder } from '../../support/temporary-folder.js'

const root = fileURLToPath(new URL('../../../', import.meta.url))
const compiler = needPrograms('gcc', 'objdump (binutils)')
const { addon } = nativeAddon()
const native = needNativeAddon()

async function folder(): Promise<string> {
  const made = await temporaryFolder('addon')
  onTestFinished(() => made.remove())
  return made.path
}

describe.skipIf(native.isMissing)(`the native addon${native.why}`, () => {
  test('answers with the address of the listener for a connection that was not redirected, or with nothing', async () => {
    const server = await serve()
    await connectTo(server.port)
    const { socket } = await server.accepted()
    const { fd } = (socket as unknown as { _handle: { fd: number } })._handle
    // Which of the two it is, depends on whether the kernel tracks connections here.
    expect([undefined, { host: '127.0.0.1', port: server.port }]).toContainEqual(addon?.originalDestination(fd))
  })

  test('says nothing of what is no connection', () => {
    expect(addon?.originalDestination(-1)).toBeUndefined()
    expect(addon?.originalDestination(0)).toBeUndefined()
    expect(kernelOriginalDestinations.of({ descriptor: undefined } as never)).toBeUndefined()
  })

  test('refuses what is no address with EINVAL, and wrong arguments without a crash', () => {
    for (const host of ['', 'localhost', '1.2.3', '::1::', 'x'.repeat(1000), '%lo', `::1%${'y'.repeat(200)}`]) {
      expect([host, addon?.transparentSource(host)]).toEqual([host, -22])
    }
    expect(() => addon?.transparentSource(...([] as unknown as [string]))).toThrow(TypeError)
    expect(addon?.transparentSource(7 as unknown as string)).toBe(-22)
    expect(addon?.transparentListener('127.0.0.1', 'x' as unknown as number, false)).toBe(-22)
  })

  test('takes no number for another, and no text for a part of it', () => {
    for (const descriptor of [2 ** 32 + 5, NaN, 1.5, 'x', undefined, {}] as number[]) {
      expect(() => addon?.originalDestination(descriptor)).toThrow(TypeError)
      expect(() => addon?.closeDescriptor(descriptor)).toThrow(TypeError)
    }
    for (const port of [-1, 65_536, NaN, 80.5, 2 ** 32 + 80]) {
      expect([port, addon?.transparentListener('127.0.0.1', port, false)]).toEqual([port, -22])
    }
    // Cut at the zero, and by the lower halves of its characters, both would be 127.0.0.1.
    for (const host of ['127.0.0.1\0.example.com', '\u013127.0.0.1']) {
      expect([host, addon?.transparentSource(host)]).toEqual([host, -22])
    }
  })

  test.runIf(process.getuid?.() === 0)('makes a listener for any address, which Node listens on', async () => {
    const descriptor = addon!.transparentListener('192.0.2.7', 0, false)
    expect(descriptor).toBeGreaterThan(2)
    const server: Server = createServer().listen({ fd: descriptor })
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    expect(server.address()).toMatchObject({ address: '192.0.2.7' })
  })
})

describe('loading it', () => {
  test('is for Linux', () => {
    expect(loadAddon({ platform: 'darwin' })).toEqual({ problem: 'the native addon is for Linux, and this is darwin' })
  })

  test('says how to get it where it is not there', async () => {
    const empty = await folder()
    const { problem: reason } = loadAddon({ folder: pathToFileURL(`${empty}/`) })
    expect(reason).toBe(`the native addon is not there; compile it with: node ${empty}/build.mjs`)
  })

  test('says why it does not load', async () => {
    const broken = await folder()
    await mkdir(join(broken, 'build'))
    await writeFile(join(broken, 'build', 'sluice.node'), 'no library')
    expect(loadAddon({ folder: pathToFileURL(`${broken}/`) }).problem).toMatch(
      /^the native addon does not load \(.*\); compile it with/,
    )
  })
})

describe('without it', () => {
  test('a configuration that needs it fails check, with a code and what to do', async () => {
    const main = await sluiceWithoutAddon()
    const config = join(root, 'config/sidecar.yaml')
    const { code, stdout } = await runProgram(process.execPath, [main, 'check', '-o', 'json', config])
    expect(code).toBe(1)
    const { findings } = JSON.parse(stdout) as { findings: { code: string; path: string; message: string }[] }
    expect(findings.map((one) => [one.code, one.path])).toEqual([
      ['SLUICE_CONFIG_NO_INTERCEPTION', 'listeners[0].intercept'],
      ['SLUICE_CONFIG_NO_INTERCEPTION', 'listeners[1].intercept'],
    ])
    expect(findings[0]!.message).toMatch(
      /^cannot intercept here: the native addon is not there; compile it with: node .*build\.mjs$/,
    )
    expect(await runProgram(process.execPath, [main, 'run', '-c', config])).toMatchObject({ code: 1 })
  })

  test('every other configuration runs as ever', async () => {
    const main = await sluiceWithoutAddon()
    const { code, stdout } = await runProgram(process.execPath, [main, 'check', join(root, 'config/edge.yaml')])
    expect([code, stdout]).toEqual([0, expect.stringContaining('is valid')])
  })
})

describe.skipIf(compiler.areMissing)('building it' + compiler.why, () => {
  /** A copy of what the package has, to build in. */
  async function packaged(): Promise<string> {
    const path = await folder()
    const { files } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8')) as { readonly files: string[] }
    const sources = files.filter((file) => /^native\/.*\.\w+$/.test(file)).map((file) => join(root, file))
    const { code } = await runProgram('cp', [...sources, path])
    expect(code).toBe(0)
    await runProgram('ln', ['-s', join(root, 'node_modules'), join(path, 'node_modules')])
    return path
  }

  test('for the package needs no symbol newer than GLIBC 2.28, and nothing but libc', async () => {
    const path = await packaged()
    const built = await runProgram(process.execPath, [join(path, 'build.mjs'), 'prebuild'])
    expect(built).toMatchObject({ code: 0, stderr: '' })
    const file = join(path, `prebuilds/linux-${process.arch}-glibc/sluice.node`)
    const symbols = await runProgram('objdump', ['-T', file])
    const versions = [...symbols.stdout.matchAll(/GLIBC_(\d+)\.(\d+)/g)].map(([, major, minor]) => [
      Number(major),
      Number(minor),
    ])
    expect(versions).not.toEqual([])
    for (const [major, minor] of versions) expect([major, minor! <= 28]).toEqual([2, true])
    const headers = await runProgram('objdump', ['-p', file])
    expect([...headers.stdout.matchAll(/NEEDED +(\S+)/g)].map(([, name]) => name)).toEqual(['libc.so.6'])
    // What was packed is what an install takes.
    expect((await runProgram(process.execPath, [join(path, 'build.mjs')])).stdout).toBe(
      'native addon: the prebuilt one fits\n',
    )
    expect(loadAddon({ folder: pathToFileURL(`${path}/`) }).problem).toBeUndefined()
  })

  test('for glibc is not taken by a Node with another libc, which takes what is compiled there', async () => {
    const path = await packaged()
    const options = { folder: pathToFileURL(`${path}/`), node: join(path, 'node-of-musl') }
    await writeFile(options.node, '\x7fELF\0\0/lib/ld-musl-x86_64.so.1\0')
    expect(await runProgram(process.execPath, [join(path, 'build.mjs'), 'prebuild'])).toMatchObject({ code: 0 })
    expect(loadAddon(options).problem).toMatch(/^the native addon is not there/)
    await rm(join(path, 'prebuilds'), { recursive: true })
    await runProgram(process.execPath, [join(path, 'build.mjs')])
    expect(loadAddon(options).problem).toBeUndefined()
  })

  test('at install compiles where nothing fits', async () => {
    const path = await packaged()
    const { code, stdout } = await runProgram(process.execPath, [join(path, 'build.mjs')])
    expect([code, stdout]).toEqual([0, 'native addon: built\n'])
    expect(loadAddon({ folder: pathToFileURL(`${path}/`) })).toMatchObject({ file: join(path, 'build/sluice.node') })
  })

  test.each([
    ['no compiler', { CC: 'no-such-compiler' }, /there is no C compiler/],
    ['a compiler that fails', { CC: 'gcc -no-such-flag' }, /gcc -no-such-flag failed:/],
  ])('at install never fails: with %s it says so, and the package works without', async (_, env, message) => {
    const path = await packaged()
    const { code, stdout } = await runProgram(process.execPath, [join(path, 'build.mjs')], { env })
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^native addon: not built: /)])
    expect(stdout).toMatch(message)
    // Who packs wants to know.
    expect((await runProgram(process.execPath, [join(path, 'build.mjs'), 'prebuild'], { env })).code).toBe(1)
  })
})

test('the built command finds it', async () => {
  const { code } = await runProgram(process.execPath, [COMMAND, 'check', join(root, 'config/sidecar.yaml')])
  expect(code).toBe(addon === undefined ? 1 : 0)
})
