import { existsSync, statSync } from 'node:fs'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Command } from 'commander'
import { builtInSniffers } from '../plugins/built-in-sniffers.js'
import { RESERVED_PROTOCOLS } from '../plugins/reserved-protocols.js'
import type { CliIo } from './cli-io.js'
import { EXIT_FAILED, UsageError } from './exit-code.js'
import { packageVersion } from './package-version.js'

/** Beside `dist` and `src`, shipped with the package. A file's name without `.template` is its name in the new package. */
const TEMPLATES = new URL('../../templates/plugin/', import.meta.url)
const TEMPLATE_SUFFIX = '.template'

/** What a new package is called by convention; a name given with it means the same. */
const PREFIX = 'sluice-plugin-'
/** npm allows names of 214 characters; the name is also a metric label, a YAML value and a folder. */
const MAX_NAME_LENGTH = 50
const NAME = /^[a-z][a-z0-9]*(-[a-z0-9]+)*$/

const NOTES = `
Makes the folder sluice-plugin-NAME: a package with a sniffer for the protocol NAME and its test, both to be changed to yours.
--sluice takes what npm takes: a version range, or the path of a tarball or a folder.

Exit codes: 0 made, 1 the folder exists, 2 the name or --sluice is none.`

interface NewPluginOptions {
  readonly sluice?: string
}

/** What the templates' `{{words}}` stand for. */
type Words = Readonly<Record<string, string>>

/** `sluice new plugin NAME`: a package that builds and passes its tests. */
export function defineNew(command: Command, io: CliIo): void {
  command
    .command('plugin')
    .description('make a package with a sniffer and its test')
    .argument('<name>', 'the protocol: lower-case letters, digits and dashes')
    .option('--sluice <spec>', 'the Sluice it is tested with (default: this version)')
    .addHelpText('after', NOTES)
    .action(async (name: string, options: NewPluginOptions) => {
      io.setExitCode(await newPlugin(name, options, io))
    })
}

async function newPlugin(name: string, { sluice }: NewPluginOptions, io: CliIo): Promise<number> {
  const protocol = protocolOf(name)
  const folder = `${PREFIX}${protocol}`
  const spec = sluice === undefined ? `^${packageVersion()}` : specOf(sluice)
  if (!(await isMade(folder))) {
    io.stderr.write(`${folder} is there already: choose another name, or remove it first\n`)
    return EXIT_FAILED
  }
  try {
    await copyTemplates(folder, wordsOf(protocol, folder, spec))
  } catch (error) {
    await rm(folder, { recursive: true, force: true })
    throw error
  }
  io.stdout.write(nextSteps(folder))
  return 0
}

/** The protocol's name. Throws a UsageError where it can be none. */
function protocolOf(name: string): string {
  const protocol = name.startsWith(PREFIX) ? name.slice(PREFIX.length) : name
  if (!NAME.test(protocol)) {
    const rule = 'lower-case letters, digits and single dashes, a letter first'
    throw new UsageError(`"${name}" can be no name of a plugin: ${rule}, as in "my-protocol"`)
  }
  if (protocol.length > MAX_NAME_LENGTH)
    throw new UsageError(`"${name}" is too long for a name: ${MAX_NAME_LENGTH} characters at most`)
  if (RESERVED_PROTOCOLS.includes(protocol))
    throw new UsageError(`"${protocol}" means something else in port-override: choose another name`)
  if (builtInSniffers.some((sniffer) => sniffer.protocol === protocol))
    throw new UsageError(`Sluice knows ${protocol} itself: choose another name`)
  return protocol
}

/** A path becomes one that holds from inside the new folder; anything else is npm's business. */
function specOf(spec: string): string {
  const path = spec.startsWith('file:') ? spec.slice('file:'.length) : spec
  const isPath = path !== spec || /^(\.{0,2}\/|\.{1,2}$)/.test(path) || /\.(tgz|tar\.gz)$/.test(path)
  if (!isPath || /^[a-z+]+:\/\//.test(spec)) return spec
  if (!existsSync(path)) throw new UsageError(`--sluice: there is no ${path}`)
  if (!statSync(path).isDirectory() && !/\.(tgz|tar\.gz)$/.test(basename(path)))
    throw new UsageError(`--sluice: ${path} is neither a tarball nor a folder`)
  return `file:${resolve(path)}`
}

/** False where something of that name is there. */
async function isMade(folder: string): Promise<boolean> {
  try {
    await mkdir(folder)
    return true
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw new UsageError(`cannot make ${folder}: ${(error as Error).message}`)
  }
}

function wordsOf(protocol: string, folder: string, sluice: string): Words {
  const nameEnd = '<'.length + protocol.length
  return {
    package: folder,
    protocol,
    version: packageVersion(),
    sluice: JSON.stringify(sluice).slice(1, -1),
    nameEnd: String(nameEnd),
    wordStart: String(nameEnd + ' '.length),
  }
}

async function copyTemplates(folder: string, words: Words): Promise<void> {
  const files = await readdir(TEMPLATES, { recursive: true })
  for (const file of files.filter((each) => each.endsWith(TEMPLATE_SUFFIX))) {
    const text = await readFile(join(fileURLToPath(TEMPLATES), file), 'utf8')
    const target = join(folder, file.slice(0, -TEMPLATE_SUFFIX.length).replace(/^gitignore$/, '.gitignore'))
    await mkdir(dirname(target), { recursive: true })
    await writeFile(target, fill(text, words))
  }
}

function fill(text: string, words: Words): string {
  return text.replace(/\{\{(\w+)\}\}/g, (_, word: string) => words[word] ?? '')
}

function nextSteps(folder: string): string {
  return [
    `Made ${folder}.`,
    '',
    `  cd ${folder}`,
    '  npm install',
    '  npm test          its laws, and a connection that it names',
    '  npm run build     compiles it to dist',
    '',
    'Then put the first bytes of your protocol into src/index.ts and test/index.test.ts.',
    '',
  ].join('\n')
}
