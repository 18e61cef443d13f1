import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { onTestFinished } from 'vitest'
import type { CloseSummary } from '../../src/core/close-summary.js'
import { startProgram } from './run-program.js'

const COMMAND = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url))

/** `sluice proxy`, running as a process of its own. */
export interface SluiceCommand {
  /** Where clients connect. */
  readonly port: number
  /** Settles with what it prints of the n-th connection that it has closed, counted from 1. */
  closed(connection: number): Promise<CloseSummary>
  /** Sends SIGTERM; gives the exit code and all that was printed. */
  stop(): Promise<{ code: number | null; output: string }>
}

/** Runs `sluice proxy 127.0.0.1:0 127.0.0.1:PORT` as it was built; ended with the test. */
export async function startSluiceCommand(destinationPort: number): Promise<SluiceCommand> {
  if (!existsSync(COMMAND)) throw new Error('dist is not there: npm run build (npm test does it)')
  const program = startProgram(process.execPath, [COMMAND, 'proxy', '127.0.0.1:0', `127.0.0.1:${destinationPort}`])
  onTestFinished(async () => void (await program.stop('SIGKILL')))
  const [, port] = await program.prints(/"addresses":\["127\.0\.0\.1:(\d+)"\]/)
  return {
    port: Number(port),
    async closed(connection) {
      const [line] = await program.prints(new RegExp(`^\\{.*"msg":"closed".*"connection":${connection},.*\\}$`, 'm'))
      return JSON.parse(line) as CloseSummary
    },
    async stop() {
      const code = await program.stop('SIGTERM')
      return { code, output: program.output }
    },
  }
}
