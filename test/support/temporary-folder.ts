import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export interface TemporaryFolder {
  readonly path: string
  remove(): Promise<void>
}

/** An empty folder of the test's own. */
export async function temporaryFolder(purpose: string): Promise<TemporaryFolder> {
  const path = await mkdtemp(join(tmpdir(), `sluice-${purpose}-`))
  // A server that was just stopped may still be unlinking its own files.
  return { path, remove: () => rm(path, { recursive: true, force: true, maxRetries: 5 }) }
}
