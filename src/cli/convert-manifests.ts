import { ManifestError, type ManifestProblem } from '../kubernetes/manifest.js'
import type { CliIo } from './cli-io.js'
import type { ManifestSource } from './read-manifests.js'

/** Every text converted; undefined where one cannot be: then all that is wrong has been said, and nothing is to be written. */
export function convertManifests<T>(
  sources: readonly ManifestSource[],
  io: CliIo,
  convert: (text: string) => T,
): T[] | undefined {
  const converted: T[] = []
  for (const { name, text } of sources) {
    try {
      converted.push(convert(text))
    } catch (error) {
      if (!(error instanceof ManifestError)) throw error
      for (const problem of error.problems) io.stderr.write(`${formatProblem(name, problem)}\n`)
    }
  }
  return converted.length === sources.length ? converted : undefined
}

function formatProblem(name: string, { line, column, message }: ManifestProblem): string {
  return `${name}:${line}:${column}  ${message}`
}
