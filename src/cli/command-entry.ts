import type { Command } from 'commander'
import type { Registry } from '../core/config/registry.js'
import type { ServingIo } from './serving-io.js'
import type { StreamingIo } from './streaming-io.js'

/** Brings the built-ins, which some commands need to read a configuration or to name a protocol: most of what there is to load. */
export type LoadRegistry = () => Promise<Registry>

/** Gives a command its arguments, options, notes and action. Called once at most, and only where the command is named. */
export type DefineCommand = (command: Command, io: ServingIo & StreamingIo, loadRegistry: LoadRegistry) => void

/** A command as `sluice --help` has it, before any of its code is loaded. */
export interface CommandEntry {
  /** Its name, its alias behind `|`, then what it takes: the line that Commander would make of it. */
  readonly term: string
  readonly description: string
  readonly load: () => Promise<DefineCommand>
}
