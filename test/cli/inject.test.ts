import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { exitCodeOf } from '../../src/cli/exit-code.js'
import { loadBuiltIns } from '../../src/cli/load-built-ins.js'
import { packageVersion } from '../../src/cli/package-version.js'
import { runProgram } from '../../src/cli/program.js'
import { Manifest } from '../../src/kubernetes/manifest.js'
import { lineDiff } from '../support/line-diff.js'
import { temporaryFolder } from '../support/temporary-folder.js'
import { kubernetesObjects, schemaProblems } from '../kubernetes/kubernetes-objects.js'

const MANIFESTS = new URL('../fixtures/manifests/', import.meta.url).pathname
const DEPLOYMENT = join(MANIFESTS, 'deployment.yaml')
const version = packageVersion()

interface Result {
  readonly code: number | undefined
  readonly stdout: string
  readonly stderr: string
}

/** Runs the command line in this process. */
async function sluice(args: readonly string[], input = ''): Promise<Result> {
  const result = { code: undefined as number | undefined, stdout: '', stderr: '' }
  const io = {
    stdin: (async function* () {
      yield await Promise.resolve(Buffer.from(input))
    })(),
    stdout: { write: (text: string) => (result.stdout += text) },
    stderr: { write: (text: string) => (result.stderr += text) },
    writeAnswer: (text: string) => {
      result.stdout += text
      return Promise.resolve()
    },
    setExitCode: (code: number) => (result.code = code),
    isStdoutTerminal: false,
    isStderrTerminal: false,
    onStop: () => () => {},
    reportBug: (error: unknown) => expect.unreachable(String(error)),
  }
  try {
    await runProgram(args, io, loadBuiltIns)
  } catch (error) {
    result.code = exitCodeOf(error, io)
  }
  return result
}

interface Pod {
  readonly metadata: { readonly annotations: Record<string, string> }
  readonly spec: { readonly containers: Container[]; readonly initContainers: Container[]; readonly volumes?: object[] }
}
interface Container {
  readonly name: string
  readonly image: string
  readonly args: string[]
  readonly restartPolicy?: string
  readonly lifecycle?: object
  readonly securityContext: Record<string, unknown>
  readonly [field: string]: unknown
}

/** The pod template of the first document. */
function podOf(text: string): Pod {
  const { data } = new Manifest(text).documents[0]!
  return (data as { spec: { template: Pod } }).spec.template
}

async function inject(...flags: string[]): Promise<Pod> {
  const { code, stdout, stderr } = await sluice(['inject', DEPLOYMENT, ...flags])
  expect([code, stderr]).toEqual([0, '\ndeployment "web" injected\n\n'])
  for (const object of kubernetesObjects(stdout)) expect(schemaProblems(object)).toEqual([])
  return podOf(stdout)
}

/** What stands behind a flag in a container's arguments. */
function argument({ args }: Container, flag: string): string | undefined {
  return args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined
}

async function folderWith(files: Readonly<Record<string, string>>): Promise<string> {
  const folder = await temporaryFolder('inject')
  onTestFinished(() => folder.remove())
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(join(folder.path, name, '..'), { recursive: true })
    writeFileSync(join(folder.path, name), text)
  }
  return folder.path
}

const pod = (name: string): string =>
  `apiVersion: v1\nkind: Pod\nmetadata:\n  name: ${name}\nspec:\n  containers:\n  - name: ${name}\n    image: x\n`

describe('sluice inject', () => {
  test('does what the guide of Linkerd does: a deployment, and a port that is skipped', async () => {
    const { code, stdout } = await sluice(['inject', DEPLOYMENT, '--skip-outbound-ports=4406'])
    expect(code).toBe(0)
    const { removed } = lineDiff(readFileSync(DEPLOYMENT, 'utf8'), stdout)
    expect(removed).toEqual([])
    const { spec, metadata } = podOf(stdout)
    expect(spec.containers.map(({ name, image }) => [name, image])).toEqual([
      ['sluice-proxy', `sluice-proxy:${version}`],
      ['web', 'example.com/web:1.4.2'],
    ])
    expect(spec.initContainers[0]).toMatchObject({
      name: 'sluice-init',
      image: `sluice-init:${version}`,
      args: [
        'intercept',
        ...['--inbound-port', '4143', '--outbound-port', '4140', '--proxy-uid', '2102'],
        ...['--skip-inbound-ports', '4191', '--skip-outbound-ports', '4406'],
      ],
      securityContext: {
        capabilities: { add: ['NET_ADMIN', 'NET_RAW'], drop: ['ALL'] },
        allowPrivilegeEscalation: false,
      },
    })
    expect(metadata.annotations).toEqual({
      'prometheus.io/scrape': 'true',
      team: 'storefront',
      'kubectl.kubernetes.io/default-container': 'web',
      'sluice.dev/added': 'initContainers default-container',
      'sluice.dev/created-by': `sluice/cli ${version}`,
      'sluice.dev/proxy-deployment': 'web',
      'sluice.dev/proxy-version': version,
    })
  })

  test('takes every flag of the proxy', async () => {
    const { spec } = await inject(
      ...[
        '--proxy-image',
        'a/proxy:1',
        '--init-image',
        'a/init:1',
        '--image-pull-policy',
        'Always',
        '--proxy-uid',
        '3000',
      ],
      ...['--proxy-cpu-request', '100m', '--proxy-cpu-limit', '1', '--proxy-memory-request', '128Mi'],
      ...['--proxy-memory-limit', '256Mi', '--proxy-log-level', 'debug'],
    )
    const [proxy] = spec.containers
    const resources = { requests: { cpu: '100m', memory: '128Mi' }, limits: { cpu: '1', memory: '256Mi' } }
    expect(proxy).toMatchObject({ image: 'a/proxy:1', imagePullPolicy: 'Always', resources })
    expect(proxy!.args).toEqual(['run', '-c', '/etc/sluice/sluice.yaml', '--log-level', 'debug'])
    expect(proxy!.securityContext).toMatchObject({ runAsUser: 3000, runAsNonRoot: true })
    expect(spec.initContainers[0]).toMatchObject({ image: 'a/init:1', imagePullPolicy: 'Always', resources })
    expect(argument(spec.initContainers[0]!, '--proxy-uid')).toBe('3000')
  })

  test('hands ports and networks that bypass the proxy to the init container', async () => {
    const { spec } = await inject(
      ...['--skip-inbound-ports', '22, 8100-8102,', '--skip-outbound-ports', '4222,6222-6333'],
      ...['--skip-subnets', '10.0.0.0/8,fd00::/8'],
    )
    const [init] = spec.initContainers
    expect(argument(init!, '--skip-inbound-ports')).toBe('4191,22,8100-8102')
    expect(argument(init!, '--skip-outbound-ports')).toBe('4222,6222-6333')
    expect(argument(init!, '--subnets-to-ignore')).toBe('10.0.0.0/8,fd00::/8')
  })

  test('makes a native sidecar, which nothing has to wait for', async () => {
    const { spec, metadata } = await inject('--native-sidecar')
    expect(spec.containers.map(({ name }) => name)).toEqual(['web'])
    expect(spec.initContainers.map(({ name, restartPolicy }) => [name, restartPolicy])).toEqual([
      ['sluice-init', undefined],
      ['sluice-proxy', 'Always'],
    ])
    expect(spec.initContainers[1]).toHaveProperty('startupProbe')
    expect(spec.initContainers[1]).not.toHaveProperty('lifecycle')
    expect(metadata.annotations).not.toHaveProperty(['kubectl.kubernetes.io/default-container'])
  })

  test('lets the containers wait for the proxy, unless told otherwise', async () => {
    const wait = {
      postStart: { exec: { command: expect.arrayContaining(['await', 'http://127.0.0.1:4191']) as unknown } },
    }
    expect((await inject()).spec.containers[0]!.lifecycle).toEqual(wait)
    expect((await inject('--no-proxy-await')).spec.containers[0]!.lifecycle).toBeUndefined()
  })

  test('takes both images from a registry', async () => {
    const { spec } = await inject('--registry', 'registry.example.com/team/')
    expect(spec.containers[0]!.image).toBe(`registry.example.com/team/sluice-proxy:${version}`)
    expect(spec.initContainers[0]!.image).toBe(`registry.example.com/team/sluice-init:${version}`)
  })

  test('understands --manual, which Linkerd needs for the same', async () => {
    expect((await inject('--manual')).spec.containers).toHaveLength(2)
  })

  test('reads standard input, files and folders, and makes one stream of them', async () => {
    const folder = await folderWith({
      'b.yml': pod('b').trimEnd(),
      'a.yaml': `---\n${pod('a')}`,
      'sub/c.json':
        '{"apiVersion":"v1","kind":"Pod","metadata":{"name":"c"},"spec":{"containers":[{"name":"c","image":"x"}]}}',
      'd.yaml': `%YAML 1.1\n---\n${pod('d')}`,
      'README.md': '# not: [a manifest',
    })
    const { code, stdout, stderr } = await sluice(['inject', folder, '-'], pod('in'))
    expect(code).toBe(0)
    expect(stderr).toBe('\n' + ['a', 'b', 'd', 'c', 'in'].map((name) => `pod "${name}" injected\n`).join('') + '\n')
    const names = kubernetesObjects(stdout).map(({ metadata }) => metadata!.name)
    expect(names).toEqual(['a', 'b', 'd', 'c', 'in'])
    const back = await sluice(['uninject', '-'], stdout)
    expect(kubernetesObjects(back.stdout).map(({ metadata }) => metadata!.name)).toEqual(names)
    expect(back.stdout).toContain(pod('a'))
  })

  test('leaves what is injected already as it is, beside what is not', async () => {
    const already = (await sluice(['inject', '-', '--skip-outbound-ports', '1'], pod('old'))).stdout
    const { code, stdout, stderr } = await sluice(['inject', '-'], `${already}---\n${pod('new')}`)
    expect([code, stderr]).toEqual([0, '\npod "old" skipped: it has a sidecar already\npod "new" injected\n\n'])
    expect(stdout).toBe(`${already}---\n${(await sluice(['inject', '-'], pod('new'))).stdout}`)
    expect((await sluice(['uninject', '-'], stdout)).stdout).toBe(`${pod('old')}---\n${pod('new')}`)
  })

  test('gives JSON where it is asked for', async () => {
    const { code, stdout } = await sluice(['inject', '-o', 'json', '-'], pod('only'))
    expect(code).toBe(0)
    const { spec } = JSON.parse(stdout) as Pod
    expect(spec.containers.map(({ name }) => name)).toEqual(['sluice-proxy', 'only'])
    const two = await sluice(['inject', '-o', 'json', '-'], `${pod('one')}---\n---\n${pod('two')}`)
    expect(two.stdout.split(/^(?=\{)/m).map((each) => (JSON.parse(each) as { kind: string }).kind)).toEqual([
      'Pod',
      'Pod',
    ])
  })

  test('reads JSON objects one behind the other, as it writes them', async () => {
    const written = (await sluice(['inject', '-o', 'json', '-'], `${pod('one')}---\n${pod('two')}`)).stdout
    const back = await sluice(['uninject', '-'], written)
    expect([back.code, back.stderr]).toEqual([0, '\npod "one" uninjected\npod "two" uninjected\n\n'])
    expect((await sluice(['inject', '-'], back.stdout)).stderr).toBe('\npod "one" injected\npod "two" injected\n\n')
  })

  test('makes of several files of JSON what kubectl reads: no separator, but where YAML is among them', async () => {
    const json = (name: string) => JSON.stringify({ apiVersion: 'v1', kind: 'ConfigMap', metadata: { name } })
    const one = await folderWith({ 'a.json': json('a'), 'b.json': `${json('b')}\n` })
    expect((await sluice(['inject', one])).stdout).toBe(`${json('a')}\n${json('b')}\n`)
    const mixed = await folderWith({ 'a.json': json('a'), 'b.yaml': 'kind: ConfigMap\nmetadata: {name: b}\n' })
    expect((await sluice(['inject', mixed])).stdout).toBe(
      `---\n${json('a')}\n---\nkind: ConfigMap\nmetadata: {name: b}\n`,
    )
  })

  test.each([
    ['spec: {containers: [{name: a}], initContainers: {name: b}}', 'spec.initContainers', 'a list'],
    ['spec: {containers: {name: a}}', 'spec.containers', 'a list'],
    ['spec: {containers: [a]}', 'spec.containers.0', 'a map'],
    ['spec: {containers: [{name: a, ports: 80}]}', 'spec.containers.0.ports', 'a list'],
    ['spec: {containers: [{name: a}], volumes: x}', 'spec.volumes', 'a list'],
    ['spec: [a]', 'spec', 'a map'],
    ['spec: {containers: [{name: a}]}, metadata: {annotations: [a]}', 'metadata.annotations', 'a map'],
  ])('%s is an error with its place, of uninject too', async (fields, path, expected) => {
    for (const command of ['inject', 'uninject']) {
      const { code, stdout, stderr } = await sluice([command, '-'], `{apiVersion: v1, kind: Pod, ${fields}}`)
      expect([code, stdout]).toEqual([1, ''])
      expect(stderr).toMatch(/^standard input:1:\d\d/)
      expect(stderr).toContain(`expected ${expected} at "${path}"`)
    }
  })

  test('gives no JSON that says another number', async () => {
    const text = `${pod('big')}  activeDeadlineSeconds: 1234567890123456789\n`
    expect((await sluice(['inject', '-'], text)).code).toBe(0)
    const { code, stdout, stderr } = await sluice(['inject', '-o', 'json', '-'], text)
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toContain('1234567890123456789 has more digits than can be written as JSON here')
  })

  test('writes nothing where one manifest of several is none, and says where', async () => {
    const folder = await folderWith({
      'a.yaml': pod('a'),
      'b.yaml': 'kind: Pod\nmetadata: {name: b\n',
      'c.yaml': 'a: [\n',
    })
    const { code, stdout, stderr } = await sluice(['inject', folder])
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^\S*b\.yaml:\d+:\d+ {2}.+$/m)
    expect(stderr).toMatch(/^\S*c\.yaml:\d+:\d+ {2}.+$/m)
  })

  test.each([
    [['--skip-outbound-ports', '25-23'], '"25-23"'],
    [['--skip-inbound-ports', '99999'], '"99999"'],
    [['--skip-inbound-ports', '1-2-3'], '"1-2-3"'],
    [['--skip-inbound-ports', '80-x'], '"x" in "80-x"'],
    [['--opaque-ports', '0'], '"0"'],
    [['--opaque-ports', '80,,81'], '""'],
    [['--skip-subnets', '10.0.0.0/33'], '"10.0.0.0/33"'],
    [['--inbound-port', '80-90'], '"80-90"'],
    [['--proxy-uid', '0'], '"0"'],
    [['--proxy-uid', 'nobody'], '"nobody"'],
    [['--proxy-cpu-request', '1 core'], '"1 core"'],
    [['--proxy-memory-limit', '64MB'], '"64MB"'],
    [['--proxy-memory-limit', '1Mi'], 'proxy-memory-request 96Mi is more than proxy-memory-limit 1Mi'],
    [['--proxy-log-level', 'warning'], '"warning"'],
    [['--image-pull-policy', 'always'], '"always"'],
    [['--proxy-image', 'a b'], '"a b"'],
    [['--registry', ''], 'expected a registry'],
    [['--registry', 'a b'], '"a b"'],
    [['--admin-port', '4143'], 'must be three different ports'],
    [['-o', 'xml'], 'xml'],
    [['--no-such-flag'], 'no-such-flag'],
    [['https://example.com/a.yaml'], 'URLs are not read'],
    [['no-such-file.yaml'], 'there is no such file'],
    [['--config', 'no-such-file.yaml'], 'there is no such file'],
  ])('%j is a usage error that names it', async (args, named) => {
    const { code, stdout, stderr } = await sluice(['inject', DEPLOYMENT, ...args])
    expect([code, stdout]).toEqual([2, ''])
    expect(stderr).toContain(named)
  })

  test('refuses bytes that are no UTF-8, which would not come back', async () => {
    const folder = await folderWith({})
    writeFileSync(join(folder, 'latin1.yaml'), Buffer.from('# \xe4\n', 'latin1'))
    const { code, stderr } = await sluice(['inject', folder])
    expect([code, stderr]).toEqual([2, `cannot read ${join(folder, 'latin1.yaml')}: it is no UTF-8\n`])
  })

  test('needs a manifest', async () => {
    expect((await sluice(['inject'])).code).toBe(2)
    expect((await sluice(['inject', await folderWith({ 'a.txt': '' })])).stderr).toMatch(/has no manifest/)
  })
})

describe('annotations of a workload', () => {
  const annotated = (...lines: string[]): string =>
    pod('p').replace('  name: p\n', `  name: p\n  annotations:\n${lines.map((line) => `    ${line}\n`).join('')}`)

  test('win over flags', async () => {
    const text = annotated('config.sluice.dev/skip-outbound-ports: "5432"', 'config.sluice.dev/native-sidecar: enabled')
    const { stdout } = await sluice(
      ['inject', '-', '--skip-outbound-ports', '4406', '--skip-inbound-ports', '22'],
      text,
    )
    const { initContainers } = (new Manifest(stdout).documents[0]!.data as Pod).spec
    expect(initContainers.map(({ name }) => name)).toEqual(['sluice-init', 'sluice-proxy'])
    expect(argument(initContainers[0]!, '--skip-outbound-ports')).toBe('5432')
    expect(argument(initContainers[0]!, '--skip-inbound-ports')).toBe('4191,22')
  })

  test.each([
    ['config.sluice.dev/skip-outbound-ports: "9-1"', /:6:44 {2}config\.sluice\.dev\/skip-outbound-ports: "9-1"/],
    ['config.sluice.dev/skip-outbound-ports: 4406', /expected a string, got 4406: quote it/],
    ['config.sluice.dev/skip-ports: "1"', /there is no setting "config\.sluice\.dev\/skip-ports"/],
    ['config.sluice.dev/admin-port: "4143"', /must be three different ports/],
    ['sluice.dev/inject: disable', /expected "enabled" or "disabled", got "disable"/],
  ])('%s is an error with its place', async (line, message) => {
    const { code, stdout, stderr } = await sluice(['inject', '-'], annotated(line))
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^standard input:\d+:\d+ /)
    expect(stderr).toMatch(message)
  })
})

describe('the configuration of the sidecar', () => {
  const CONFIG = `admin: { address: "0.0.0.0:5191" }
listeners:
  - { name: inbound, direction: inbound, address: ":5143", intercept: redirect, destination: original }
  - { name: outbound, direction: outbound, address: "127.0.0.1:5140", intercept: redirect, destination: original }
`

  test('is the one of the image, unless something else is asked for', async () => {
    const { metadata, spec } = await inject()
    expect(metadata.annotations).not.toHaveProperty(['sluice.dev/config'])
    expect(spec.volumes).toBeUndefined()
    expect(spec.containers[0]!['volumeMounts']).toBeUndefined()
  })

  test('is carried in an annotation where other ports or opaque ones are asked for', async () => {
    const flags = [
      '--inbound-port',
      '6143',
      '--outbound-port',
      '6140',
      '--admin-port',
      '6191',
      '--opaque-ports',
      '4222,9000-9010',
    ]
    const { metadata, spec } = await inject(...flags)
    const config = metadata.annotations['sluice.dev/config']!
    expect(config).toContain('":6191"')
    expect(config.match(/:6143"/g)).toHaveLength(2)
    expect(config.match(/:6140"/g)).toHaveLength(2)
    expect(config.match(/"4222": opaque\n +9000-9010: opaque/g)).toHaveLength(2)
    expect(config).not.toMatch(/4143|4140|4191/)
    expect(argument(spec.initContainers[0]!, '--inbound-port')).toBe('6143')
    expect(argument(spec.initContainers[0]!, '--skip-inbound-ports')).toBe('6191')
    expect(spec.volumes).toEqual([
      {
        name: 'sluice-config',
        downwardAPI: {
          items: [{ path: 'sluice.yaml', fieldRef: { fieldPath: "metadata.annotations['sluice.dev/config']" } }],
        },
      },
    ])
    expect(spec.containers[0]!['volumeMounts']).toEqual([
      { name: 'sluice-config', mountPath: '/etc/sluice', readOnly: true },
    ])
    expect(spec.containers[0]!['readinessProbe']).toMatchObject({ httpGet: { port: 6191 } })
  })

  test('is a file that is given, as it is, and its ports are those of the pod', async () => {
    const file = join(await folderWith({ 'own.yaml': CONFIG }), 'own.yaml')
    const { metadata, spec } = await inject('--config', file)
    expect(metadata.annotations['sluice.dev/config']).toBe(CONFIG)
    expect(argument(spec.initContainers[0]!, '--inbound-port')).toBe('5143')
    expect(argument(spec.initContainers[0]!, '--outbound-port')).toBe('5140')
    expect(argument(spec.initContainers[0]!, '--skip-inbound-ports')).toBe('5191')
    for (const flags of [
      ['--inbound-port', '4143'],
      ['--opaque-ports', '25'],
    ]) {
      const { code, stderr } = await sluice(['inject', DEPLOYMENT, '--config', file, ...flags])
      expect(code).toBe(2)
      expect(stderr).toMatch(/inbound-port is 4143, and 5143 in |opaque-ports: say it in /)
    }
  })

  test.each([
    ['without admin', CONFIG.replace(/^admin.*\n/, ''), 2, /needs "admin"/],
    ['with admin on the loopback', CONFIG.replace('0.0.0.0:5191', '127.0.0.1:5191'), 2, /on an address of the pod/],
    ['without outbound', CONFIG.replace(/^.*outbound.*\n/m, ''), 2, /direction: outbound/],
    ['with an error', CONFIG.replace('"127.0.0.1:5140"', 'nowhere'), 1, /listeners\[1\]\.address/],
    ['with a variable', CONFIG.replace('0.0.0.0:5191', '${ADMIN}'), 1, /ADMIN/],
  ])('is refused %s', async (_case, text, code, message) => {
    const file = join(await folderWith({ 'own.yaml': text }), 'own.yaml')
    const result = await sluice(['inject', DEPLOYMENT, '--config', file])
    expect([result.code, result.stdout]).toEqual([code, ''])
    expect(result.stderr).toMatch(message)
  })
})

describe('sluice uninject', () => {
  test('gives the bytes back, and says what it did', async () => {
    const { stdout } = await sluice(['inject', DEPLOYMENT, '--opaque-ports', '4222'])
    const { code, stdout: back, stderr } = await sluice(['uninject', '-'], stdout)
    expect([code, stderr]).toEqual([0, '\ndeployment "web" uninjected\n\n'])
    expect(back).toBe(readFileSync(DEPLOYMENT, 'utf8'))
  })

  test('passes on what has no sidecar', async () => {
    const text = readFileSync(join(MANIFESTS, 'helm-output.yaml'), 'utf8')
    const { code, stdout, stderr } = await sluice(['uninject', '-'], text)
    expect([code, stdout]).toEqual([0, text])
    expect(stderr).toContain('\ndeployment "release-name-shop" skipped\n')
  })

  test('keeps what was typed beside the sidecar since', async () => {
    const { stdout } = await sluice(['inject', '-'], pod('p'))
    const edited = stdout
      .replace('  annotations:\n', '  annotations:\n    # mine\n    mine: "1"\n')
      .replace('cpu: 10m', 'cpu: 250m')
      .replace('  initContainers:\n', '  initContainers:\n  - name: mine\n    image: x\n')
    const { stdout: back } = await sluice(['uninject', '-'], edited)
    expect(back).toBe(
      `apiVersion: v1\nkind: Pod\nmetadata:\n  annotations:\n    # mine\n    mine: "1"\n  name: p\nspec:\n` +
        `  initContainers:\n  - name: mine\n    image: x\n  containers:\n  - name: p\n    image: x\n`,
    )
  })

  test('fails for what is no YAML', async () => {
    const { code, stdout, stderr } = await sluice(['uninject', '-'], 'a: [')
    expect([code, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^standard input:1:\d+ /)
  })
})
