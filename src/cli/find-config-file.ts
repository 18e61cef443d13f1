import { access } from 'node:fs/promises'
import { SluiceError } from '../core/errors.js'

/** Where a configuration is looked for if none is named. */
export const DEFAULT_CONFIG_FILES = ['./sluice.yaml', '/etc/sluice/sluice.yaml'] as const

/** The first of the default places that holds a configuration. Throws a SluiceError where none does. */
export async function findConfigFile(candidates: readonly string[] = DEFAULT_CONFIG_FILES): Promise<string> {
  for (const file of candidates) {
    const isThere = await access(file).then(
      () => true,
      () => false,
    )
    if (isThere) return file.replace(/^\.\//, '')
  }
  const message = `no configuration: neither ${candidates.join(' nor ')} is there; name one with -c FILE`
  throw new SluiceError('SLUICE_CONFIG_UNREADABLE', candidates[0] ?? '', message)
}
