#!/usr/bin/env node
import 'reflect-metadata'
import type { Command } from 'commander'
import { makeBaseProgram } from './base-program.js'
import { exitCodeOf } from './exit-code.js'
import { ProcessIo } from './process-io.js'

const io = new ProcessIo()
try {
  await (await makeProgramFor(process.argv[2])).parseAsync(process.argv)
} catch (error) {
  io.setExitCode(exitCodeOf(error, io))
}
await io.exit()

/** What every pod runs before its proxy is ready loads nothing but itself: in half of the time. */
async function makeProgramFor(command: string | undefined): Promise<Command> {
  switch (command) {
    case 'intercept': {
      const { addInterceptCommand } = await import('./intercept.js')
      return withCommand(addInterceptCommand)
    }
    case 'await': {
      const { addAwaitCommand } = await import('./await.js')
      return withCommand(addAwaitCommand)
    }
    case '--version':
    case '-V':
      return makeBaseProgram(io)
    default: {
      const [{ makeProgram }, { registryOf }, { builtIns }] = await Promise.all([
        import('./program.js'),
        import('../core/config/registry.js'),
        import('../plugins/built-ins.js'),
      ])
      return makeProgram(io, registryOf([builtIns]))
    }
  }
}

function withCommand(add: (program: Command, io: ProcessIo) => void): Command {
  const program = makeBaseProgram(io)
  add(program, io)
  return program
}
