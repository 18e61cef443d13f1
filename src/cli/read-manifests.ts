import { readdir, readFile, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { UsageError } from './exit-code.js'
import type { StreamingIo } from './streaming-io.js'

/** The text of a file or of standard input. */
export interface ManifestSource {
  /** As in messages. */
  readonly name: string
  readonly text: string
}

/** What `kubectl apply -f FOLDER` reads of a folder. */
const MANIFEST_NAME = /\.(ya?ml|json)$/

/** More than any cluster takes (etcd: 1.5 MiB an object), with room for many of them. */
const MAX_BYTES = 256 * 1024 * 1024

/** Reads files, all manifests below folders, and standard input for `-`. Throws a UsageError for what cannot be read. */
export async function readManifests(names: readonly string[], io: StreamingIo): Promise<ManifestSource[]> {
  const sources: ManifestSource[] = []
  for (const name of names) {
    if (/^https?:\/\//.test(name))
      throw new UsageError(`${name}: URLs are not read here: curl -sfL ${name} | sluice ... -`)
    if (name === '-') sources.push({ name: 'standard input', text: decode('standard input', await readAll(io.stdin)) })
    else for (const file of await filesOf(name)) sources.push({ name: file, text: decode(file, await read(file)) })
  }
  return sources
}

/**
 * One stream of several manifests, with a line `---` where one follows another that does not end its document. One alone stays as it
 * is.
 */
export function joinManifests(texts: readonly string[]): string {
  return texts.reduce((joined, text) => {
    if (joined === '') return text
    const next = text.replace(/^\uFEFF/, '')
    const line = joined.endsWith('\n') ? '' : '\n'
    // A directive may follow the end of a document only.
    const separator = next.startsWith('%') ? '...\n' : /^---(\s|$)/.test(next) ? '' : '---\n'
    return `${joined}${line}${separator}${next}`
  }, '')
}

async function filesOf(name: string): Promise<string[]> {
  let isFolder: boolean
  try {
    isFolder = (await stat(name)).isDirectory()
  } catch (error) {
    throw unreadable(name, error)
  }
  if (!isFolder) return [name]
  const entries = await readdir(name, { recursive: true, withFileTypes: true })
  const files = entries.filter((entry) => !entry.isDirectory() && MANIFEST_NAME.test(entry.name))
  if (files.length === 0) throw new UsageError(`${name} has no manifest: no file named *.yaml, *.yml or *.json`)
  return files.map((entry) => join(entry.parentPath, entry.name)).toSorted()
}

async function read(file: string): Promise<Uint8Array> {
  try {
    if ((await stat(file)).size > MAX_BYTES) throw new Error(`it is larger than ${MAX_BYTES} bytes`)
    return await readFile(file)
  } catch (error) {
    throw unreadable(file, error)
  }
}

async function readAll(input: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of input) {
    chunks.push(chunk)
    size += chunk.length
    if (size > MAX_BYTES) throw unreadable('standard input', new Error(`it is larger than ${MAX_BYTES} bytes`))
  }
  return Buffer.concat(chunks)
}

/** Bytes that are no UTF-8 would come out as others. A byte order mark stays. */
function decode(name: string, bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch (error) {
    throw unreadable(name, new Error('it is no UTF-8', { cause: error }))
  }
}

function unreadable(name: string, error: unknown): UsageError {
  const { code, message } = error as NodeJS.ErrnoException
  return new UsageError(`cannot read ${name}: ${code === 'ENOENT' ? 'there is no such file' : message}`)
}
