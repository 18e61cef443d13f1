// Compiles the addon. Called by npm, and never in the way of an install:
//   node native/build.mjs           for this machine, into native/build/, where a prebuilt one does not fit; always exits with 0
//   node native/build.mjs prebuild  for the package, into native/prebuilds/; exits with 1 where the package would lack it
import { spawnSync } from 'node:child_process'
import { closeSync, existsSync, mkdirSync, openSync, readSync, renameSync, rmSync, statSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** RHEL 8, Debian 10 and Ubuntu 20.04 have at least this one, and so has everything that Node's own binaries run on. */
const NEWEST_GLIBC = [2, 28]

const folder = import.meta.dirname ?? dirname(new URL(import.meta.url).pathname)
const sources = ['sluice.c', 'sockets.c'].map((name) => join(folder, name))
const header = join(folder, 'sluice.h')
const built = join(folder, 'build', 'sluice.node')
const prebuilt = join(folder, 'prebuilds', `linux-${process.arch}-glibc`, 'sluice.node')

/** What Node is linked with says what an addon must be linked with. The same question as in src/core/native/native-addon.ts. */
function isGlibc() {
  const head = Buffer.alloc(4096)
  const file = openSync(process.execPath, 'r')
  readSync(file, head, 0, head.length, 0)
  closeSync(file)
  return head.includes('/ld-linux')
}

/** Where node_api.h is: the package with nothing else in it, else beside this Node, else where systems put it. */
function headers() {
  const candidates = []
  try {
    candidates.push(createRequire(import.meta.url)('node-api-headers').include_dir)
  } catch {
    // A development dependency: not there where Sluice is one itself.
  }
  candidates.push(join(dirname(process.execPath), '..', 'include', 'node'))
  if (process.env.npm_config_nodedir) candidates.push(join(process.env.npm_config_nodedir, 'include', 'node'))
  candidates.push('/usr/include/node', '/usr/local/include/node', '/usr/include/nodejs/src')
  return candidates.find((path) => path && existsSync(join(path, 'node_api.h')))
}

function compiler() {
  const candidates = process.env.CC ? [process.env.CC] : ['cc', 'gcc', 'clang']
  return candidates.map((text) => text.split(' ').filter(Boolean)).find(([name]) => run(name, ['--version']).ok)
}

function run(name, args) {
  const { status, stdout, stderr, error } = spawnSync(name, args, { encoding: 'utf8' })
  return { ok: status === 0, output: `${stdout ?? ''}${stderr ?? ''}${error?.message ?? ''}` }
}

/** Undefined where it worked, else why not. */
function compile(target) {
  const include = headers()
  if (include === undefined) return "Node's header node_api.h is not there (package node-api-headers, or libnode-dev)"
  const cc = compiler()
  if (cc === undefined) return 'there is no C compiler (gcc or clang)'
  mkdirSync(dirname(target), { recursive: true })
  // Renamed into place: a process that has the old one mapped keeps it.
  const fresh = `${target}.${process.pid}`
  const flags = ['-std=c11', '-D_GNU_SOURCE', '-O2', '-fPIC', '-shared', '-fvisibility=hidden', '-Wall', '-Wextra']
  const { ok, output } = run(cc[0], [
    ...cc.slice(1),
    ...flags,
    '-Wl,-z,relro,-z,now',
    '-s',
    `-I${include}`,
    '-o',
    fresh,
    ...sources,
  ])
  if (!ok) {
    rmSync(fresh, { force: true })
    return `${cc.join(' ')} failed:\n${output}`
  }
  renameSync(fresh, target)
  return undefined
}

function loads(file) {
  try {
    return createRequire(import.meta.url)(file) !== undefined
  } catch {
    return false
  }
}

/** Symbols that a machine with the oldest libc that we promise would not have. */
function tooNew(file) {
  const { ok, output } = run('objdump', ['-T', file])
  if (!ok) throw new Error(`objdump is needed to look at the symbols of ${file}: ${output}`)
  const versions = [...new Set(output.match(/GLIBC_[\d.]+/g))].map((name) => name.slice('GLIBC_'.length))
  return versions.filter((version) => {
    const [major, minor = 0] = version.split('.').map(Number)
    return major > NEWEST_GLIBC[0] || (major === NEWEST_GLIBC[0] && minor > NEWEST_GLIBC[1])
  })
}

function install() {
  if (process.platform !== 'linux')
    return 'not built, it is for Linux; everything but interception works without it, slower'
  const changed = Math.max(...[...sources, header].map((file) => statSync(file).mtimeMs))
  const isUpToDate = existsSync(prebuilt) && statSync(prebuilt).mtimeMs >= changed
  if (isUpToDate && isGlibc() && loads(prebuilt)) {
    rmSync(built, { force: true })
    return 'the prebuilt one fits'
  }
  const problem = compile(built)
  if (problem === undefined && loads(built)) return 'built'
  rmSync(built, { force: true })
  const reason = problem ?? 'what was built does not load'
  return `not built: ${reason}. Everything but interception works without it, slower; "sluice doctor" says more`
}

function prebuild() {
  if (process.platform !== 'linux' || !isGlibc()) return 'the package will be without it: made on Linux with glibc only'
  const problem = compile(prebuilt)
  if (problem !== undefined) throw new Error(problem)
  const newer = tooNew(prebuilt)
  if (newer.length > 0)
    throw new Error(`it needs symbols of GLIBC ${newer.join(', ')}, newer than ${NEWEST_GLIBC.join('.')}`)
  return `prebuilt for linux-${process.arch} with glibc ${NEWEST_GLIBC.join('.')} or newer`
}

if (process.argv[2] === 'prebuild') {
  try {
    console.log(`native addon: ${prebuild()}`)
  } catch (error) {
    console.error(`native addon: ${error.message}`)
    process.exitCode = 1
  }
} else {
  try {
    console.log(`native addon: ${install()}`)
  } catch (error) {
    console.log(`native addon: not built: ${error.message}`)
  }
}
