import { SluiceError } from '../core/errors.js'
import type { Family } from './rules.js'
import { findProgram, runProgram } from './system-program.js'

/** `nft` and `legacy` are two rule sets in the kernel, each with its own programs; `plain` is whichever the name `iptables` means. */
export type IptablesMode = 'nft' | 'legacy' | 'plain'

export const IPTABLES_MODES: readonly IptablesMode[] = ['nft', 'legacy', 'plain']

/** Another program may hold the lock of the rule set: xtables waits for it. */
const LOCK_WAIT_SECONDS = '5'

/** The programs of one mode for one family. */
export class Iptables {
  readonly family: Family
  readonly mode: IptablesMode
  readonly #save: string
  readonly #restore: string

  private constructor(family: Family, mode: IptablesMode, save: string, restore: string) {
    this.family = family
    this.mode = mode
    this.#save = save
    this.#restore = restore
  }

  /** Undefined where they are not installed. */
  static find(family: Family, mode: IptablesMode): Iptables | undefined {
    const save = findProgram(programName(family, mode, 'save'))
    const restore = findProgram(programName(family, mode, 'restore'))
    return save === undefined || restore === undefined ? undefined : new Iptables(family, mode, save, restore)
  }

  /** As in messages: `iptables-nft-restore`. */
  get name(): string {
    return programName(this.family, this.mode, 'restore')
  }

  /** All tables that are there, as text. Creates none. Throws a SluiceError (SLUICE_INTERCEPT_FAILED). */
  async save(): Promise<string> {
    const { stdout, stderr, isOk } = await runProgram(this.#save, [])
    if (isOk) return stdout
    throw this.#failure(programName(this.family, this.mode, 'save'), stderr)
  }

  /** Throws a SluiceError where the kernel would refuse these changes; changes nothing. */
  async test(changes: string): Promise<void> {
    await this.#run(['--noflush', '--test', '-w', LOCK_WAIT_SECONDS], changes)
  }

  /** Makes the changes, each table in one step. */
  async restore(changes: string): Promise<void> {
    await this.#run(['--noflush', '-w', LOCK_WAIT_SECONDS], changes)
  }

  async #run(args: readonly string[], changes: string): Promise<void> {
    const { isOk, stderr } = await runProgram(this.#restore, args, changes)
    if (!isOk) throw this.#failure(this.name, `${stderr.trim()}${lineOf(stderr, changes)}`)
  }

  #failure(program: string, reason: string): SluiceError {
    const hint = this.family === 'ipv6' ? '\n--no-ipv6 leaves IPv6 alone' : ''
    return new SluiceError('SLUICE_INTERCEPT_FAILED', program, `${program} failed: ${reason.trim()}${hint}`)
  }
}

export function programName(family: Family, mode: IptablesMode, what: 'save' | 'restore'): string {
  return [family === 'ipv4' ? 'iptables' : 'ip6tables', ...(mode === 'plain' ? [] : [mode]), what].join('-')
}

/** What iptables says of a failure is often no more than a number. */
function lineOf(stderr: string, changes: string): string {
  const number = /line:? (\d+)/.exec(stderr)?.[1]
  const line = number === undefined ? undefined : changes.split('\n')[Number(number) - 1]
  return line === undefined ? '' : `\nline ${number}: ${line}`
}
