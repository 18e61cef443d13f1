import type { Command } from 'commander'
import { DEFAULT_CONFIG_FILES, findConfigFile } from './find-config-file.js'
import { addOutputOptions, type OutputOptions } from './output-format.js'
import type { ServingIo } from './serving-io.js'

interface RunOptions extends OutputOptions {
  readonly config?: string
}

const NOTES = `
Standard output: a line a connection, on a terminal or with "accessLog: true"; a line a request, where "http-metrics" has an
"accessLog". Standard error: the log.
SIGTERM and the first Ctrl-C drain, as "drain" in the configuration says; the second stops at once.

Exit codes: 0 drained, 1 start failed, 2 no configuration, 130 or 143 stopped by a second signal.`

/** `sluice run`: a configuration file, until a signal ends it. */
export function defineRun(command: Command, io: ServingIo): void {
  command
    .option('-c, --config <file>', `the configuration (default: ${DEFAULT_CONFIG_FILES.join(', then ')})`)
    .addHelpText('after', NOTES)
  addOutputOptions(command).action(async ({ config, ...output }: RunOptions) => {
    const file = config ?? (await findConfigFile())
    const { serve } = await import('./serve.js')
    io.setExitCode(await serve(file, { ...output, io, title: file }))
  })
}
