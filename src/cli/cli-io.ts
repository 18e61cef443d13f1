/** Where a command writes to. Tests hand in their own. */
export interface Output {
  write(text: string): unknown
}

/** What a command touches of its process. */
export interface CliIo {
  /** What was asked for. */
  readonly stdout: Output
  /** The log, and why something failed. */
  readonly stderr: Output
  setExitCode(code: number): void
}
