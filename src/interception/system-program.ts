import { spawn } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Where systems put what only root needs, beside what the PATH of an ordinary user has. */
const SYSTEM_FOLDERS = ['/usr/local/sbin', '/usr/sbin', '/sbin']

/** Longest that a program may take: iptables waits for its lock for 5 s, and a machine may be busy. */
const LIMIT_MS = 30_000

export interface ProgramResult {
  readonly isOk: boolean
  readonly stdout: string
  readonly stderr: string
}

/** The program's path; undefined where it is not installed. */
export function findProgram(name: string, path: string = process.env.PATH ?? ''): string | undefined {
  const folders = [...path.split(':').filter((folder) => folder !== ''), ...SYSTEM_FOLDERS]
  return folders.map((folder) => join(folder, name)).find(isExecutable)
}

/** Runs a program of the system to its end. What cannot be started has failed, and says why in `stderr`. */
export function runProgram(file: string, args: readonly string[], input = ''): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      stdio: 'pipe',
      timeout: LIMIT_MS,
      killSignal: 'SIGKILL',
      env: { ...process.env, LC_ALL: 'C' },
    })
    const output = { stdout: '', stderr: '' }
    for (const stream of ['stdout', 'stderr'] as const) {
      child[stream].setEncoding('utf8').on('data', (text: string) => (output[stream] += text))
    }
    child.stdin.on('error', () => {}) // it has ended without reading all: its exit code says why
    child.once('error', (error) => resolve({ isOk: false, stdout: output.stdout, stderr: error.message }))
    child.once('close', (code) => resolve({ isOk: code === 0, ...output }))
    child.stdin.end(input)
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
