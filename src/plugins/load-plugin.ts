import { stat } from 'node:fs/promises'
import { isAbsolute, join, resolve as resolvePath } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { resolve as resolveModule } from 'import-meta-resolve'
import { errorText } from '../core/error-text.js'
import type { Plugin } from './plugin.js'
import type { PluginProblem } from './plugin-problem.js'
import { checkPluginShape } from './plugin-schema.js'

export type LoadedPlugin =
  { readonly plugin: Plugin; readonly problems?: undefined } | { readonly problems: readonly PluginProblem[] }

/** A module that awaits at its top level may wait for something that never comes. */
const LOAD_TIMEOUT_MS = 30_000

const TYPESCRIPT = /\.[cm]?ts$/

/**
 * Loads a plugin by the name of a package, or by a path that begins with `./`, `../` or `/`, both as seen from `folder`: the plugin
 * is the module's default export. Whatever goes wrong is a value.
 */
export async function loadPlugin(name: string, folder: string): Promise<LoadedPlugin> {
  const label = `plugin "${name}"`
  const found = await findModule(name, folder)
  if ('problem' in found) return { problems: [found.problem] }
  const loaded = await importModule(found.url, label)
  if ('problem' in loaded) return { problems: [loaded.problem] }
  const { module } = loaded
  return totally(label, () => {
    const exported = defaultExport(module)
    return exported === undefined ? { problems: [noDefault(module, label)] } : asPlugin(exported, label)
  })
}

/** A plugin that came as an object. */
export function asPlugin(value: unknown, label: string): LoadedPlugin {
  return totally(label, () => {
    const problems = checkPluginShape(value, label)
    return problems.length > 0 ? { problems } : { plugin: value as Plugin }
  })
}

/** Getters and proxies may throw wherever they are read. */
function totally(label: string, look: () => LoadedPlugin): LoadedPlugin {
  try {
    return look()
  } catch (error) {
    const message = `${label} is no valid plugin: reading it threw: ${errorText(error)}`
    return { problems: [{ code: 'SLUICE_PLUGIN_INVALID', message }] }
  }
}

type Found = { readonly url: URL } | { readonly problem: PluginProblem }

async function findModule(name: string, folder: string): Promise<Found> {
  if (/^\.\.?(\/|$)/.test(name) || isAbsolute(name)) return findFile(name, folder)
  return findPackage(name, folder)
}

async function findFile(name: string, folder: string): Promise<Found> {
  const path = resolvePath(folder, name)
  const stats = await stat(path).catch(() => undefined)
  if (stats === undefined) return notFound(name, `there is no file ${path}`)
  if (!stats.isFile()) return notFound(name, `${path} is not a file: name the file in it that exports the plugin`)
  return { url: pathToFileURL(path) }
}

/** By Node's own algorithm for `import`, as if the importing file stood in `folder`. */
async function findPackage(name: string, folder: string): Promise<Found> {
  const parent = pathToFileURL(join(resolvePath(folder), 'sluice.yaml')).href
  try {
    const url = new URL(resolveModule(name, parent))
    if (url.protocol === 'file:') {
      const path = fileURLToPath(url)
      return (await stat(path).catch(() => undefined)) ? { url } : notFound(name, notBuilt(path))
    }
    return notFound(name, 'a plugin is a package, or a file by a path that begins with ./ or ../ or /')
  } catch (error) {
    return notFound(name, whyUnresolved(name, folder, error))
  }
}

function whyUnresolved(name: string, folder: string, error: unknown): string {
  const { message, code } = error as NodeJS.ErrnoException
  if (code !== 'ERR_MODULE_NOT_FOUND') return `its package does not let itself be imported: ${message}`
  const missing = /^Cannot find module '(.+?)' imported/.exec(message)?.[1]
  if (missing !== undefined) return notBuilt(missing)
  const hint = name.includes('.') ? `. If it is a file, write ./${name}` : ''
  return `there is no such package in node_modules of ${folder}, or above: run "npm install ${name}" there${hint}`
}

function notBuilt(path: string): string {
  return `its package is there, but not the file ${path}: build the package`
}

function notFound(name: string, why: string): Found {
  return { problem: { code: 'SLUICE_PLUGIN_NOT_FOUND', message: `plugin "${name}" is not found: ${why}` } }
}

type Module = Readonly<Record<string, unknown>>
type Imported = { readonly module: Module } | { readonly problem: PluginProblem }

async function importModule(url: URL, label: string): Promise<Imported> {
  const isTypeScript = TYPESCRIPT.test(url.pathname)
  if (isTypeScript && !runsTypeScript()) return { problem: cannotRun(label) }
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<Imported>((resolve) => {
    const message = `${label} has not loaded within ${LOAD_TIMEOUT_MS / 1000} s: look for an "await" at its top level that never settles`
    timer = setTimeout(() => resolve({ problem: { code: 'SLUICE_PLUGIN_FAILED', message } }), LOAD_TIMEOUT_MS)
  })
  try {
    const imported = import(url.href).then((module: Module) => ({ module }))
    return await Promise.race([imported, late])
  } catch (error) {
    return { problem: failed(error, url, isTypeScript, label) }
  } finally {
    clearTimeout(timer)
  }
}

/** Node 22.18 and 24 strip types; `process.features.typescript` says so. */
function runsTypeScript(): boolean {
  const { typescript = false } = process.features as { readonly typescript?: false | 'strip' | 'transform' }
  return typescript !== false
}

function cannotRun(label: string): PluginProblem {
  const message = `${label} is TypeScript, which Node ${process.versions.node} cannot run: build it to JavaScript, or use Node 22.18 or newer`
  return { code: 'SLUICE_PLUGIN_TYPESCRIPT', message }
}

function failed(error: unknown, url: URL, isTypeScript: boolean, label: string): PluginProblem {
  const message = errorText(error)
  const code = error instanceof Error ? (error as NodeJS.ErrnoException).code : undefined
  if (code === 'ERR_UNSUPPORTED_NODE_MODULES_TYPE_STRIPPING') {
    const remedy = 'Node runs no TypeScript below node_modules: build the package to JavaScript'
    return { code: 'SLUICE_PLUGIN_TYPESCRIPT', message: `${label} is TypeScript: ${remedy}` }
  }
  // Node's own errors of syntax stand for any copy of the class.
  const isSyntax = error instanceof Error && error.name === 'SyntaxError'
  if (isSyntax && /Unexpected token 'export'|Cannot use import statement/.test(message)) {
    const remedy = `the nearest package.json says CommonJS: name the file ${isTypeScript ? '.mts' : '.mjs'}, or say "type": "module" there`
    return { code: 'SLUICE_PLUGIN_FAILED', message: `${label} does not load: ${withoutDot(message)}; ${remedy}` }
  }
  if (isTypeScript && (isSyntax || code?.includes('TYPESCRIPT_SYNTAX'))) {
    const remedy =
      'Node only strips types: decorators such as @inject, enums and parameter properties have to be built to JavaScript. Or use "inject" and "create", which need no decorators'
    return { code: 'SLUICE_PLUGIN_TYPESCRIPT', message: `${label} does not load: ${withoutDot(message)}. ${remedy}` }
  }
  if (isSyntax && /Invalid or unexpected token|Unexpected token '@'/.test(message)) {
    const remedy =
      'if it has decorators such as @inject, build it with tsc and "experimentalDecorators": true, or use "inject" and "create", which need none'
    return {
      code: 'SLUICE_PLUGIN_FAILED',
      message: `${label} does not load: ${withoutDot(message)} in ${fileURLToPath(url)}; ${remedy}`,
    }
  }
  const what = code === 'ERR_MODULE_NOT_FOUND' ? 'imports what is not there' : 'threw while it loaded'
  const remedy =
    code === 'ERR_MODULE_NOT_FOUND' ? 'Install it beside the plugin' : 'Correct it, or take it out of "plugins"'
  return { code: 'SLUICE_PLUGIN_FAILED', message: `${label} ${what}: ${withoutDot(message)}. ${remedy}` }
}

function withoutDot(message: string): string {
  return message.replace(/\.$/, '')
}

/** Of an ES module; of a CommonJS module that TypeScript made from one, whose own default is one level deeper. */
function defaultExport(module: Module): unknown {
  const exported = module['default']
  const isTranspiled = typeof exported === 'object' && exported !== null && '__esModule' in exported
  return isTranspiled && 'default' in exported ? exported.default : exported
}

function noDefault(module: Module, label: string): PluginProblem {
  const names = Object.keys(module)
  const there = names.length === 0 ? 'it exports nothing' : `it exports ${names.join(', ')}`
  const message = `${label} has no default export, ${there}: write "export default { name, apiVersion: 1, … }"`
  return { code: 'SLUICE_PLUGIN_INVALID', message }
}
