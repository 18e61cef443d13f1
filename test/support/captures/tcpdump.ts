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
  // Each packet is in the file as soon as it was seen. The kernel keeps a slot of the snap length for each that waits: as long as
  // the largest packet there is, and not the default of 256 KiB, so that 4,000 may wait until a busy machine gets to them.
  const room = ['-s', '66000', '-B', '262144']
  const [name, ...rest] = [...prefix, 'tcpdump', '-n', '-U', '--immediate-mode', ...room, '-w', file, ...args]
  const program = startProgram(name!, rest)
  await program.prints(/listening on/)
  return { file, stop: () => program.stop('SIGINT') }
}
