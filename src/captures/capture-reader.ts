import { GrowingBuffer } from '../core/growing-buffer.js'
import { MAX_RECORD_BYTES, type CaptureFormat } from './capture-format.js'
import type { CapturedPacket } from './captured-packet.js'
import { PcapFormat, pcapMagic } from './pcap.js'
import { isPcapng, PcapngFormat } from './pcapng.js'

/** Why a file cannot be read on, and where that record begins. */
export interface CaptureDamage {
  /** Bytes from the beginning of the file. */
  readonly offset: number
  readonly reason: string
}

const MAGIC_BYTES = 4

/**
 * Reads a pcap or pcapng file from its bytes as they come. `onPacket` is called within `push`, once a packet, in order. Holds no
 * more than one record (`MAX_RECORD_BYTES`) beside the chunk that it is given. Never throws; what follows damage is not read.
 */
export class CaptureReader {
  readonly #onPacket: (packet: CapturedPacket) => void
  readonly #held = new GrowingBuffer()
  #format: CaptureFormat | undefined
  /** Where the record begins that is being read. */
  #offset = 0
  #need = MAGIC_BYTES
  /** Of a record that is done with: all its bytes, and those that have not come yet. */
  #recordBytes = 0
  #toSkip = 0
  #damage: CaptureDamage | undefined

  constructor(onPacket: (packet: CapturedPacket) => void) {
    this.#onPacket = onPacket
  }

  get damage(): CaptureDamage | undefined {
    return this.#damage
  }

  /** Takes the next bytes of the file. They are the caller's again when it returns. */
  push(chunk: Uint8Array): void {
    let start = 0
    // No more is taken at once than a record may need, so that a large chunk is not copied whole.
    while (start < chunk.length && this.#damage === undefined) {
      if (this.#toSkip > 0) {
        const skipped = Math.min(this.#toSkip, chunk.length - start)
        start += skipped
        this.#skip(skipped)
        continue
      }
      const part = chunk.subarray(start, start + MAX_RECORD_BYTES)
      this.#held.append(part)
      start += part.length
      this.#readHeld()
    }
  }

  /** The file is over. Gives what was wrong with it; ending inside a record is damage, too. */
  end(): CaptureDamage | undefined {
    if (this.#damage === undefined && this.#toSkip > 0)
      this.#break(`the file ends ${this.#toSkip} bytes before the block does`)
    else if (this.#damage === undefined && this.#held.length > 0)
      this.#break(`the file ends inside a record: ${this.#held.length} of ${this.#need} bytes are there`)
    else if (this.#damage === undefined && this.#format === undefined) this.#break('the file is empty')
    return this.#damage
  }

  #readHeld(): void {
    while (this.#damage === undefined && this.#toSkip === 0 && this.#held.length >= this.#need) {
      const bytes = this.#held.first(MAX_RECORD_BYTES)
      if (this.#format === undefined) {
        this.#format = formatOf(bytes)
        if (this.#format === undefined) return this.#break(`neither pcap nor pcapng: it begins with ${begin(bytes)}`)
      }
      const step = this.#format.read(bytes)
      if ('damage' in step) return this.#break(step.damage)
      if ('need' in step) {
        this.#need = step.need
        continue
      }
      if (step.packet) this.#onPacket(step.packet)
      const consumed = Math.min(step.done, this.#held.length)
      this.#held.consume(consumed)
      this.#recordBytes = this.#toSkip = step.done
      this.#skip(consumed)
      this.#need = 1
    }
  }

  #skip(count: number): void {
    this.#toSkip -= count
    if (this.#toSkip === 0) this.#offset += this.#recordBytes
  }

  #break(reason: string): void {
    this.#damage = { offset: this.#offset, reason }
    this.#held.take()
  }
}

function formatOf(bytes: Uint8Array): CaptureFormat | undefined {
  if (isPcapng(bytes)) return new PcapngFormat()
  const magic = pcapMagic(bytes)
  return magic && new PcapFormat(magic)
}

/** The first bytes in hex, and what they are where that helps. */
function begin(bytes: Uint8Array): string {
  const hex = Buffer.from(bytes.subarray(0, MAGIC_BYTES)).toString('hex')
  return hex.startsWith('1f8b') ? `${hex}, which is gzip: unpack it first` : hex
}
