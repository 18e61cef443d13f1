import { startProgram } from '../run-program.js'

/** tcpdump, writing a file. */
export interface Capturing {
  readonly file: string
  stop(): Promise<unknown>
}

/** Begins to capture; settles when packets are seen. `prefix`: what runs it, such as `ip netns exec NAME`. */
export async function startTcpdump(
  file: string,
  args: readonly string[],
  prefix: readonly string[] = [],
): Promise<Capturing> {
  // Each packet is in the file as soon as it was seen, and 64 MiB may wait until a busy machine gets to it.
  const [name, ...rest] = [...prefix, 'tcpdump', '-n', '-U', '--immediate-mode', '-B', '65536', '-w', file, ...args]
  const program = startProgram(name!, rest)
  await program.prints(/listening on/)
  return { file, stop: () => program.stop('SIGINT') }
}
