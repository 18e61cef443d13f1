import type { Command } from 'commander'
import type { Registry } from '../core/config/registry.js'
import { addAwaitCommand } from './await.js'
import { makeBaseProgram } from './base-program.js'
import { addCheckCommand } from './check.js'
import { addDoctorCommand } from './doctor.js'
import { addExplainCommand } from './explain.js'
import { addInjectCommand } from './inject.js'
import { addInterceptCommand } from './intercept.js'
import { addLearnCommand } from './learn.js'
import { addNewCommand } from './new-plugin.js'
import { addProxyCommand } from './proxy.js'
import { addQuickstartCommand } from './quickstart.js'
import { addRunCommand } from './run.js'
import { addSchemaCommand } from './schema.js'
import type { ServingIo } from './serving-io.js'
import { addSniffCommand } from './sniff.js'
import type { StreamingIo } from './streaming-io.js'
import { addTapCommand } from './tap.js'
import { addUninjectCommand } from './uninject.js'

const EXAMPLES = `
Examples:
  sluice proxy 127.0.0.1:3307 db.internal:4406   carry one port, and see what it speaks
  sluice run -c sluice.yaml                      run a configuration
  sluice check sluice.yaml                       find all its errors, without starting it
  sluice quickstart                              see it work, with nothing set up
  sluice inject deployment.yaml                  put it beside a workload of Kubernetes
  sluice new plugin my-protocol                  make a package that teaches it a protocol

Exit codes: 0 done, 1 failed, 2 usage error or unreadable file.`

/** All commands. It throws a CommanderError in place of exiting. */
export function makeProgram(io: ServingIo & StreamingIo, registry: Registry): Command {
  const program = makeBaseProgram(io).addHelpText('after', EXAMPLES)
  addRunCommand(program, io)
  addProxyCommand(program, io, registry)
  addCheckCommand(program, io, registry)
  addSchemaCommand(program, io, registry)
  addExplainCommand(program, io, registry)
  addSniffCommand(program, io, registry)
  addLearnCommand(program, io)
  addTapCommand(program, io)
  addAwaitCommand(program, io)
  addInjectCommand(program, io, registry)
  addUninjectCommand(program, io)
  addInterceptCommand(program, io)
  addDoctorCommand(program, io, registry)
  addQuickstartCommand(program, io)
  addNewCommand(program, io, registry)
  return program
}
