import type { CliIo } from './cli-io.js'

/** What a command touches of its process that answers what it reads, line by line. */
export interface StreamingIo extends CliIo {
  readonly stdin: AsyncIterable<Uint8Array>
  /** Writes to standard output, none of it dropped: settles when there is room for more. */
  writeAnswer(text: string): Promise<void>
}
