#!/usr/bin/env node
import 'reflect-metadata'
import { exitCodeOf } from './exit-code.js'
import { loadBuiltIns } from './load-built-ins.js'
import { ProcessIo } from './process-io.js'
import { runProgram } from './program.js'

const io = new ProcessIo()
try {
  await runProgram(process.argv.slice(2), io, loadBuiltIns)
} catch (error) {
  io.setExitCode(exitCodeOf(error, io))
}
await io.exit()
