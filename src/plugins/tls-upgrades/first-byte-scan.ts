import { HANDSHAKE_RECORD, type UpgradeScan } from './upgrade-scan.js'

/** A protocol whose server greets in the clear, and whose client begins TLS at once where it is to. */
export class FirstByteScan implements UpgradeScan {
  isOver = false

  next(chunk: Uint8Array): number {
    if (chunk.length === 0) return -1
    if (chunk[0] === HANDSHAKE_RECORD && !this.isOver) return 0
    this.isOver = true
    return -1
  }
}
