import { execFileSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { beforeEach, describe, expect, test } from 'vitest'
import { packageVersion } from '../../src/cli/package-version.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import type { Plugin } from '../../src/plugins/plugin.js'
import { checkSniffers } from '../../src/testing/check-sniffers.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { SpawnedSluice } from './spawned-sluice.js'

const root = fileURLToPath(new URL('../../', import.meta.url))
let cwd: string

beforeEach(async () => {
  const folder = await temporaryFolder('new')
  cwd = folder.path
  return () => folder.remove()
})

async function sluiceNew(...args: string[]): Promise<{ code: unknown; stdout: string; stderr: string }> {
  const sluice = new SpawnedSluice(['new', 'plugin', ...args], { cwd })
  return { code: await sluice.ended, ...sluice.written }
}

async function made(file: string): Promise<string> {
  return readFile(join(cwd, 'sluice-plugin-orders', file), 'utf8')
}

test('makes a package, and says what comes next', async () => {
  const { code, stdout, stderr } = await sluiceNew('orders')
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  for (const step of ['cd sluice-plugin-orders', 'npm install', 'npm test', 'npm run build'])
    expect(stdout).toContain(step)
  const files = await readdir(join(cwd, 'sluice-plugin-orders'), { recursive: true })
  expect(files.sort()).toEqual(
    [
      '.gitignore',
      'README.md',
      'package.json',
      'src',
      'src/index.ts',
      'test',
      'test/index.test.ts',
      'tsconfig.json',
    ].sort(),
  )
  for (const file of files.filter((each) => /\.\w+$/.test(each))) expect(await made(file)).not.toMatch(/\{\{|\}\}/)
  expect(JSON.parse(await made('package.json'))).toMatchObject({
    name: 'sluice-plugin-orders',
    keywords: ['sluice-plugin'],
    peerDependencies: { sluice: `>=${packageVersion()} <1` },
    devDependencies: { sluice: `^${packageVersion()}` },
  })
})

test('takes the name of the package for the name of the protocol', async () => {
  expect((await sluiceNew('sluice-plugin-orders')).code).toBe(0)
  expect(await made('src/index.ts')).toContain("protocol: 'orders'")
})

// The end-to-end test installs it; here every kind of name.
test.each(['x', 'orders', 'a-long-name-2'])(
  'makes a sniffer of %s that keeps the laws beside the built-ins',
  async (name) => {
    expect((await sluiceNew(name)).code).toBe(0)
    const module = (await import(join(cwd, `sluice-plugin-${name}`, 'src/index.ts'))) as { default: Plugin }
    const { sniffers = [] } = module.default
    expect(sniffers.map(({ protocol }) => protocol)).toEqual([name])
    expect(checkSniffers([...builtInSniffers, ...sniffers], { runs: 50 }).map(({ message }) => message)).toEqual([])
  },
)

test('refuses a folder that exists, and leaves it as it is', async () => {
  await mkdir(join(cwd, 'sluice-plugin-orders'))
  await writeFile(join(cwd, 'sluice-plugin-orders', 'mine.txt'), 'mine')
  const { code, stdout, stderr } = await sluiceNew('orders')
  expect({ code, stdout }).toEqual({ code: 1, stdout: '' })
  expect(stderr).toBe('sluice-plugin-orders is there already: choose another name, or remove it first\n')
  expect(await readdir(join(cwd, 'sluice-plugin-orders'))).toEqual(['mine.txt'])
})

test.each([
  ['Orders', 'can be no name'],
  ['2orders', 'can be no name'],
  ['orders-', 'can be no name'],
  ['or--ders', 'can be no name'],
  ['@acme/orders', 'can be no name'],
  ['../orders', 'can be no name'],
  ['sluice-plugin-', 'can be no name'],
  ['', 'can be no name'],
  ['o'.repeat(51), 'too long'],
  ['mysql', 'Sluice knows mysql itself'],
  ['opaque', 'means something else in port-override'],
])('refuses the name "%s": %s', async (name, why) => {
  const { code, stdout, stderr } = await sluiceNew(name)
  expect({ code, stdout }).toEqual({ code: 2, stdout: '' })
  expect(stderr).toContain(why)
  expect(await readdir(cwd)).toEqual([])
})

describe('--sluice', () => {
  async function dependency(spec: string): Promise<unknown> {
    expect((await sluiceNew('orders', '--sluice', spec)).code).toBe(0)
    const { devDependencies } = JSON.parse(await made('package.json')) as { devDependencies: Record<string, string> }
    return devDependencies['sluice']
  }

  test.each(['0.1.0', '^0.1.0 || ^0.2.0', 'latest', 'https://example.com/sluice-0.1.0.tgz', 'github:acme/sluice#next'])(
    'takes %s as it is',
    async (spec) => expect(await dependency(spec)).toBe(spec),
  )

  test.each(['sluice.tgz', './sluice.tgz', 'file:./sluice.tgz'])('makes %s a path that holds inside', async (spec) => {
    await writeFile(join(cwd, 'sluice.tgz'), '')
    expect(await dependency(spec)).toBe(`file:${join(cwd, 'sluice.tgz')}`)
  })

  test('takes a folder', async () => {
    await mkdir(join(cwd, 'clone'))
    expect(await dependency('./clone')).toBe(`file:${join(cwd, 'clone')}`)
  })

  test.each([
    ['./nothing.tgz', 'there is no ./nothing.tgz'],
    ['./a.txt', 'neither a tarball nor a folder'],
  ])('refuses %s', async (spec, why) => {
    await writeFile(join(cwd, 'a.txt'), '')
    const { code, stderr } = await sluiceNew('orders', '--sluice', spec)
    expect(code).toBe(2)
    expect(stderr).toContain(why)
    expect(existsSync(join(cwd, 'sluice-plugin-orders'))).toBe(false)
  })
})

test('makes what prettier would not change, but for package.json', async () => {
  await sluiceNew('orders')
  const prettier = join(root, 'node_modules/.bin/prettier')
  const files = ['src/index.ts', 'test/index.test.ts', 'tsconfig.json', 'README.md']
  const paths = files.map((file) => join(cwd, 'sluice-plugin-orders', file))
  execFileSync(prettier, ['--check', '--config', join(root, '.prettierrc.json'), ...paths], { stdio: 'pipe' })
})
