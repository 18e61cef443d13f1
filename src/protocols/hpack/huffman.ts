/**
 * Bits of each symbol's code, RFC 7541 appendix B: 256 bytes and EOS. The code is canonical: codes of one length follow each other in
 * the order of the symbols, and shorter ones come first. So the lengths are the code.
 */
// prettier-ignore
const CODE_BITS = Uint8Array.of(
  13, 23, 28, 28, 28, 28, 28, 28, 28, 24, 30, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 30, 28, 28, 28, 28, 28, 28, 28, 28, 28,
  6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, 5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10,
  13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6,
  15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, 6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, 28,
  20, 22, 20, 20, 22, 22, 22, 23, 22, 23, 23, 23, 23, 23, 24, 23, 24, 24, 22, 23, 24, 23, 23, 23, 23, 21, 22, 23, 22, 23, 23, 24,
  22, 21, 20, 22, 22, 23, 23, 21, 23, 22, 22, 24, 21, 22, 23, 23, 21, 21, 22, 21, 23, 22, 23, 23, 20, 22, 22, 22, 23, 22, 22, 23,
  26, 26, 20, 19, 22, 23, 22, 25, 26, 26, 26, 27, 27, 26, 24, 25, 19, 21, 26, 27, 27, 26, 27, 24, 21, 21, 26, 26, 28, 27, 27, 27,
  20, 24, 20, 21, 22, 21, 21, 23, 22, 22, 25, 25, 24, 24, 26, 23, 26, 27, 26, 26, 27, 27, 27, 27, 27, 28, 27, 27, 27, 27, 27, 26,
  30,
)
const EOS = 256
const MAX_CODE_BITS = 30

/** Four bits at a time: the code's tree has 256 inner nodes, each a state. */
const NIBBLES = 16
/** Of a transition: the next state in its low bits, then whether a byte came out, and which. */
const STATE_MASK = 0xff
const EMITS = 0x100
const FAILS = 0x200
const BYTE_SHIFT = 16

/** Next state and output for each state and nibble. */
const transitions = new Int32Array(256 * NIBBLES)
/** States in which a string may end: up to seven bits of ones, the beginning of EOS (RFC 7541 section 5.2). */
const isEnd = new Uint8Array(256)

buildTables()

/**
 * Decodes a Huffman-coded string (RFC 7541 section 5.2) into `out`. The length of what came out; -1 where it is malformed: EOS
 * inside, padding that is too long or not of ones; or where `out` is too small: each coded byte gives at most 8/5 of a byte.
 */
export function decodeHuffman(coded: Uint8Array, start: number, end: number, out: Uint8Array): number {
  let state = 0
  let length = 0
  for (let i = start; i < end; i++) {
    const byte = coded[i]!
    let step = transitions[state * NIBBLES + (byte >> 4)]!
    if ((step & EMITS) !== 0) out[length++] = step >> BYTE_SHIFT
    if ((step & FAILS) !== 0) return -1
    step = transitions[(step & STATE_MASK) * NIBBLES + (byte & 0xf)]!
    if ((step & EMITS) !== 0) out[length++] = step >> BYTE_SHIFT
    if ((step & FAILS) !== 0) return -1
    state = step & STATE_MASK
  }
  return isEnd[state] === 1 && length <= out.length ? length : -1
}

/** The most bytes that so many coded ones can give: the shortest codes have five bits. */
export function mostDecodedBytes(codedBytes: number): number {
  return Math.floor((codedBytes * 8) / 5)
}

/** A node of the code's tree while it is built. */
interface Node {
  readonly state: number
  readonly children: [Node | number | undefined, Node | number | undefined]
}

function buildTables(): void {
  let states = 0
  const makeNode = (): Node => ({ state: states++, children: [undefined, undefined] })
  const root = makeNode()
  const nodes = [root]
  let code = 0
  for (let bits = 1; bits <= MAX_CODE_BITS; bits++, code <<= 1) {
    for (let symbol = 0; symbol <= EOS; symbol++) {
      if (CODE_BITS[symbol] === bits) addSymbol(root, nodes, makeNode, code++, bits, symbol)
    }
  }
  for (const node of nodes) {
    for (let nibble = 0; nibble < NIBBLES; nibble++)
      transitions[node.state * NIBBLES + nibble] = walk(root, node, nibble)
  }
  let onOnes: Node | number | undefined = root
  for (let bits = 0; bits < 8 && typeof onOnes === 'object'; bits++) {
    isEnd[onOnes.state] = 1
    onOnes = onOnes.children[1]
  }
}

function addSymbol(root: Node, nodes: Node[], makeNode: () => Node, code: number, bits: number, symbol: number): void {
  let node = root
  for (let bit = bits - 1; bit > 0; bit--) {
    const branch = ((code >> bit) & 1) as 0 | 1
    let child = node.children[branch]
    if (typeof child !== 'object') {
      child = node.children[branch] = makeNode()
      nodes.push(child)
    }
    node = child
  }
  node.children[(code & 1) as 0 | 1] = symbol
}

/** Four bits on from a node. The shortest code has five bits: at most one byte comes out. */
function walk(root: Node, from: Node, nibble: number): number {
  let node = from
  let output = 0
  for (let bit = 3; bit >= 0; bit--) {
    const child = node.children[((nibble >> bit) & 1) as 0 | 1]
    if (typeof child === 'object') node = child
    else if (child === undefined || child === EOS) return FAILS
    else {
      output = EMITS | (child << BYTE_SHIFT)
      node = root
    }
  }
  return output | node.state
}
