import { cp, mkdir, symlink, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary-folder.js'

const NODE_MODULES = fileURLToPath(new URL('../../node_modules/', import.meta.url))

/** A folder with a configuration, and packages below its node_modules. Removed with the test. */
export interface PluginFolder {
  readonly path: string
  /** Writes a file; gives its path. */
  file(name: string, text: string): Promise<string>
  /** Makes a package whose only entry is an ES module that `import` finds and `require` does not. */
  package(name: string, source: string): Promise<void>
  /** Puts a real copy of one of our own dependencies below a package: loaded from another path, it is another module. */
  copyOf(dependency: string, owner: string, as?: string): Promise<void>
}

export async function pluginFolder(): Promise<PluginFolder> {
  const folder = await temporaryFolder('plugins')
  onTestFinished(() => folder.remove())
  const file = async (name: string, text: string): Promise<string> => {
    const path = join(folder.path, name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
    return path
  }
  return {
    path: folder.path,
    file,
    async package(name, source) {
      const manifest = { name, version: '1.0.0', type: 'module', exports: { '.': { import: './index.js' } } }
      await file(`node_modules/${name}/package.json`, JSON.stringify(manifest))
      await file(`node_modules/${name}/index.js`, source)
    },
    async copyOf(dependency, owner, as = dependency) {
      const nested = join(folder.path, 'node_modules', owner, 'node_modules')
      await mkdir(nested, { recursive: true })
      await cp(join(NODE_MODULES, dependency), join(nested, as), { recursive: true })
      if (dependency === 'tsyringe') await symlink(join(NODE_MODULES, 'tslib'), join(nested, 'tslib'))
    },
  }
}
