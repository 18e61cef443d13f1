#!/usr/bin/env node
import 'reflect-metadata'
import { registryOf } from '../core/config/registry.js'
import { builtIns } from '../plugins/built-ins.js'
import { exitCodeOf } from './exit-code.js'
import { ProcessIo } from './process-io.js'
import { makeProgram } from './program.js'

const io = new ProcessIo()
try {
  await makeProgram(io, registryOf([builtIns])).parseAsync(process.argv)
} catch (error) {
  io.setExitCode(exitCodeOf(error, io))
}
await io.exit()
