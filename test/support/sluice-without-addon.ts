import { cp, symlink } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { join } from 'node:path'
import { onTestFinished } from 'vitest'
import { temporaryFolder } from './temporary-folder.js'

const root = fileURLToPath(new URL('../../', import.meta.url))

/** The path of a `dist/cli/main.js` that finds no native addon: the package as it is where none was compiled and none fits. */
export async function sluiceWithoutAddon(): Promise<string> {
  const folder = await temporaryFolder('without-addon')
  onTestFinished(() => folder.remove())
  for (const name of ['dist', 'package.json', 'config'])
    await cp(join(root, name), join(folder.path, name), { recursive: true })
  await symlink(join(root, 'node_modules'), join(folder.path, 'node_modules'))
  return join(folder.path, 'dist', 'cli', 'main.js')
}
