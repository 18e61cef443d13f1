import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { defaultSettings } from '../../src/kubernetes/injection-settings.js'
import { makeSidecar } from '../../src/kubernetes/sidecar.js'
import { packageVersion } from '../../src/cli/package-version.js'
import { needPrograms } from '../support/need-programs.js'
import { runProgram } from '../support/run-program.js'
import { temporaryFolder, type TemporaryFolder } from '../support/temporary-folder.js'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
/** It packs and installs, on a machine that is doing other things. */
const BUILD_LIMIT_MS = 240_000
const UID = 2102

const programs = needPrograms('npm', 'tar', 'ldd (libc-bin)', 'chroot (coreutils)')
/** Only root may change the root of a process; CI does. */
const isRoot = process.getuid?.() === 0

/** A machine's own certificates are not in the image, which is where Node would look for them. */
const NO_CERTIFICATES = { env: { NODE_EXTRA_CA_CERTS: '' } }

interface Stage {
  readonly name: string
  readonly from: string
  readonly steps: readonly { readonly instruction: string; readonly text: string }[]
}

/** Stages of a Dockerfile: `FROM image AS name`, then instructions, each on a line or on several that end in a backslash. */
function stagesOf(dockerfile: string): Stage[] {
  const lines = dockerfile
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n')
    .filter((line) => line.trim() !== '')
  const stages: { name: string; from: string; steps: { instruction: string; text: string }[] }[] = []
  for (const line of lines) {
    const [, instruction = '', text = ''] = /^([A-Z]+)\s+(.*)$/.exec(line) ?? []
    expect(instruction, line).not.toBe('')
    const from = /^(\S+) AS (\S+)$/.exec(text)
    if (instruction === 'FROM') stages.push({ from: from![1]!, name: from![2]!, steps: [] })
    else stages.at(-1)!.steps.push({ instruction, text })
  }
  return stages
}

const stages = stagesOf(readFileSync(join(ROOT, 'Dockerfile'), 'utf8'))
const [build, proxy, init] = stages

function valuesOf(stage: Stage, instruction: string): string[] {
  return stage.steps.filter((step) => step.instruction === instruction).map(({ text }) => text)
}

/** What `COPY . .` sees: all is ignored but what has a `!` before it. */
function contextOf(dockerignore: string): string[] {
  const rules = dockerignore.split('\n').filter((line) => line !== '' && !line.startsWith('#'))
  expect(rules[0]).toBe('*')
  return rules.filter((rule) => rule.startsWith('!')).map((rule) => rule.slice(1))
}

describe('the Dockerfile', () => {
  test('has a stage that builds and the two targets', () => {
    expect(stages.map(({ name }) => name)).toEqual(['build', 'proxy', 'init'])
    expect(valuesOf(build!, 'RUN')).toEqual(['npm ci', 'sh deploy/image/assemble.sh /image'])
    expect(valuesOf(build!, 'COPY')).toEqual(['. .'])
  })

  test('makes the proxy from nothing, and runs it as a user without rights', () => {
    expect(proxy!.from).toBe('scratch')
    expect(valuesOf(proxy!, 'RUN')).toEqual([])
    expect(valuesOf(proxy!, 'USER')).toEqual([`${UID}:${UID}`])
    expect(defaultSettings('1').proxyUid).toBe(UID)
  })

  test('gives the init container iptables', () => {
    expect(valuesOf(init!, 'RUN').join()).toMatch(/apt-get install .*\biptables\b/)
    expect(valuesOf(init!, 'COPY')).toEqual(['--from=build /image/app/ /app/'])
  })

  test('ignores what no image is made from', () => {
    const context = contextOf(readFileSync(join(ROOT, '.dockerignore'), 'utf8'))
    for (const path of ['.git', 'test', 'node_modules', 'dist', 'bench']) expect(context).not.toContain(path)
    // All that is published is made from what is there.
    const { files } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as { files: string[] }
    const needed = files.filter((file) => file !== 'dist').map((file) => file.split('/')[0])
    expect(context).toEqual(expect.arrayContaining(needed))
  })
})

describe.skipIf(programs.areMissing)(`the image of the proxy${programs.why}`, () => {
  let folder: TemporaryFolder
  let image: string

  // The steps of the stage that builds, but for `npm ci`, whose outcome is here already.
  beforeAll(async () => {
    folder = await temporaryFolder('image')
    const source = join(folder.path, 'src')
    image = join(folder.path, 'image')
    mkdirSync(source)
    for (const path of contextOf(readFileSync(join(ROOT, '.dockerignore'), 'utf8')))
      if (existsSync(join(ROOT, path))) cpSync(join(ROOT, path), join(source, path), { recursive: true })
    symlinkSync(join(ROOT, 'node_modules'), join(source, 'node_modules'))
    const [, assemble] = valuesOf(build!, 'RUN')
    // Longer than what tests run usually may take.
    const { code, stderr } = await runProgram('sh', ['-c', assemble!.replace(' /image', ` ${image}`)], {
      cwd: source,
      limitMs: BUILD_LIMIT_MS,
    })
    expect([code, stderr]).toEqual([0, ''])
  }, BUILD_LIMIT_MS)

  afterAll(() => folder.remove())

  test('has what the entry point and the hook of the sidecar run, and its configuration', () => {
    const command = JSON.parse(valuesOf(proxy!, 'ENTRYPOINT')[0]!) as string[]
    expect(valuesOf(init!, 'ENTRYPOINT')).toEqual(valuesOf(proxy!, 'ENTRYPOINT'))
    const { proxy: container } = makeSidecar(defaultSettings('1'), false, false) as unknown as {
      proxy: { args: string[]; lifecycle: { postStart: { exec: { command: string[] } } } }
    }
    expect(container.lifecycle.postStart.exec.command.slice(0, 2)).toEqual(command)
    expect(container.args).toEqual(JSON.parse(valuesOf(proxy!, 'CMD')[0]!))
    expect(existsSync(join(image, 'usr/local/bin', command[0]!))).toBe(true)
    expect(existsSync(join(image, command[1]!))).toBe(true)
    expect(readFileSync(join(image, container.args.at(-1)!), 'utf8')).toBe(
      readFileSync(join(ROOT, 'config/sidecar.yaml'), 'utf8'),
    )
  })

  test('has every file that stages copy from it', () => {
    for (const text of [...valuesOf(proxy!, 'COPY'), ...valuesOf(init!, 'COPY')]) {
      const [, source] = /^--from=build (\S+) \S+$/.exec(text)!
      expect(readdirSync(source!.replace('/image', image)), text).not.toEqual([])
    }
  })

  test('has what runs and nothing else: no shell, no tools for development, nothing that others may write', () => {
    expect(existsSync(join(image, 'bin/sh'))).toBe(false)
    const { dependencies, devDependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
      dependencies: object
      devDependencies: object
    }
    for (const name of Object.keys(dependencies))
      expect(existsSync(join(image, 'app/node_modules', name)), name).toBe(true)
    for (const name of Object.keys(devDependencies))
      expect(existsSync(join(image, 'app/node_modules', name)), name).toBe(false)
    const writable = readdirSync(image, { recursive: true, encoding: 'utf8' }).filter((path) => {
      const { mode } = statSync(join(image, path))
      return (mode & 0o022) !== 0 || (mode & 0o6000) !== 0 || (mode & 0o004) === 0
    })
    expect(writable).toEqual([])
  })

  test.skipIf(!isRoot && process.env['CI'] !== 'true')('runs by itself, as that user', async () => {
    const inImage = (...args: string[]) =>
      runProgram(
        'chroot',
        [`--userspec=${UID}:${UID}`, image, '/usr/local/bin/node', '/app/dist/cli/main.js', ...args],
        NO_CERTIFICATES,
      )
    expect(await inImage('--version')).toEqual({ code: 0, stdout: `${packageVersion()}\n`, stderr: '' })
    const { stdout } = await inImage('check', '-o', 'json', '/etc/sluice/sluice.yaml')
    const { findings } = JSON.parse(stdout) as { findings: { code: string }[] }
    // Whether it can intercept is a matter of the machine; all else has to be right.
    expect(findings.filter(({ code }) => code !== 'SLUICE_CONFIG_NO_INTERCEPTION')).toEqual([])
  })
})
