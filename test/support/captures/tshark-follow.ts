import { runProgram } from '../run-program.js'

/** One TCP stream as tshark puts it together. */
export interface FollowedStream {
  /** `address:port` of the first sender and of the other end. */
  readonly nodes: readonly [string, string]
  /** What each of them said, without the notes about what the capture does not have. */
  readonly bytes: readonly [Buffer, Buffer]
  /** The lengths that these notes say. */
  readonly gaps: readonly [number[], number[]]
}

const GAP_NOTE = /^\[(\d+) bytes missing in capture file\]\0$/

/** All streams of a capture, in tshark's order: `tshark -z follow,tcp,raw,N`. One process. */
export async function tsharkFollow(file: string, count: number): Promise<FollowedStream[]> {
  // One more than there should be: it must be empty.
  const taps = Array.from({ length: count + 1 }, (_, index) => ['-z', `follow,tcp,raw,${index}`]).flat()
  const { code, stdout, stderr } = await runProgram('tshark', ['-n', '-r', file, '-q', ...taps])
  // 2: the file is cut or damaged, and what stood before it was read.
  if (code !== 0 && code !== 2) throw new Error(`tshark ended with ${code}: ${stderr}`)
  const sections = stdout.split(/^=+\n/m).filter((section) => section.startsWith('Follow: tcp,raw'))
  // It prints the last one first.
  const number = (section: string): number => Number(/^Filter: tcp\.stream eq (\d+)$/m.exec(section)![1])
  return sections
    .sort((a, b) => number(a) - number(b))
    .map(parseSection)
    .filter((stream) => stream.nodes[0] !== ':0')
}

function parseSection(section: string): FollowedStream {
  const nodes = ['', ''] as [string, string]
  const parts: [Buffer[], Buffer[]] = [[], []]
  const gaps: [number[], number[]] = [[], []]
  for (const line of section.split('\n')) {
    const node = /^Node ([01]): (.*)$/.exec(line)
    if (node) nodes[Number(node[1])] = node[2]!
    if (!/^\t?([0-9a-f]{2})+$/.test(line)) continue
    const index = line.startsWith('\t') ? 1 : 0
    const bytes = Buffer.from(line.trim(), 'hex')
    const note = GAP_NOTE.exec(bytes.toString('latin1'))
    if (note) gaps[index].push(Number(note[1]))
    else parts[index].push(bytes)
  }
  return { nodes, bytes: [Buffer.concat(parts[0]), Buffer.concat(parts[1])], gaps }
}
