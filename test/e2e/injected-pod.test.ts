import { readFileSync } from 'node:fs'
import { beforeEach, expect, onTestFinished, test } from 'vitest'
import { connectNamespaces, inNamespaces, needNamespaces, NetworkNamespace } from '../support/network-namespaces.js'
import { COMMAND, Sidecar } from '../support/sidecar.js'
import { runProgram } from '../support/run-program.js'

const programs = await needNamespaces('curl')

beforeEach(inNamespaces)

interface Container {
  readonly args: string[]
  readonly securityContext: { readonly runAsUser: number }
  readonly lifecycle: { readonly postStart: { readonly exec: { readonly command: string[] } } }
}
interface Deployment {
  readonly spec: { readonly template: { readonly spec: Record<'containers' | 'initContainers', Container[]> } }
}

/** A server that greets like MySQL, and one that greets in a way that nobody knows. */
const GREETERS = `
  const greeting = Buffer.from('4a0000000a382e302e33350008000000616263646566676800ffffff0200ffdf15' + '00'.repeat(10) + '696a6b6c6d6e6f707172737400' + Buffer.from('mysql_native_password').toString('hex') + '00', 'hex')
  const greet = (port, bytes) => require('node:net').createServer((socket) => socket.on('error', () => {}).end(bytes)).listen(port, '::')
  greet(4406, greeting).on('listening', () => greet(4407, 'skipped').on('listening', () => console.log('greeting')))
`
const READ = `require('node:net').connect(+process.argv[2], process.argv[1]).on('data', (bytes) => process.stdout.write(bytes.toString('latin1')))`

test.skipIf(programs.areMissing)(
  `what inject writes makes a pod's traffic known, but for the port that is skipped${programs.why}`,
  async () => {
    const manifest = new URL('../fixtures/manifests/deployment.yaml', import.meta.url)
    const injected = await runProgram(
      process.execPath,
      [COMMAND, 'inject', '-', '-o', 'json', '--skip-outbound-ports=4407'],
      { input: readFileSync(manifest, 'utf8') },
    )
    const { containers, initContainers } = (JSON.parse(injected.stdout) as Deployment).spec.template.spec
    const [pod, world] = [await NetworkNamespace.make('pod'), await NetworkNamespace.make('world')]
    onTestFinished(() => pod.remove())
    onTestFinished(() => world.remove())
    const { one, other } = await connectNamespaces(pod, world)
    const servers = world.start(process.execPath, ['-e', GREETERS])
    onTestFinished(async () => void (await servers.stop('SIGKILL')))
    await servers.prints(/greeting/)

    // As Kubernetes runs it: the init container, then the proxy until its hook returns.
    const init = await pod.run(process.execPath, [COMMAND, ...initContainers[0]!.args])
    expect([init.code, init.stdout]).toEqual([0, ''])
    const [proxy] = containers
    expect(proxy!.args).toEqual(['run', '-c', '/etc/sluice/sluice.yaml'])
    const sidecar = await Sidecar.start(pod, { uid: proxy!.securityContext.runAsUser })
    onTestFinished(async () => void (await sidecar.stop('SIGKILL')))
    const [, , ...hook] = proxy!.lifecycle.postStart.exec.command
    expect(await pod.run(process.execPath, [COMMAND, ...hook])).toEqual({ code: 0, stdout: '', stderr: '' })

    const read = async (port: number) =>
      (await pod.run(process.execPath, ['-e', READ, other.ipv4, String(port)])).stdout
    expect(await read(4406)).toContain('8.0.35')
    expect(await read(4407)).toBe('skipped')
    expect(await sidecar.closed(({ protocol }) => protocol === 'mysql')).toMatchObject({
      listener: 'outbound',
      protocol: 'mysql',
      decidedBy: 'server',
    })
    expect(await sidecar.metric('tcp_open_total', { direction: 'outbound', peer: 'src' })).toBe(1)
    // Probes come from outside, to the admin port, and are not carried.
    const probe = await world.run('curl', [
      '-sSf',
      '-o',
      '/dev/null',
      '-w',
      '%{http_code}',
      `http://${one.ipv4}:4191/ready`,
    ])
    expect(probe.stdout).toBe('200')
    expect(await sidecar.metric('tcp_open_total', { direction: 'inbound' })).toBe(0)
  },
)
