import { latin1 } from '../byte-views.js'
import { DynamicTable } from './dynamic-table.js'
import { type FieldId, fieldId, HeaderField } from './header-field.js'
import { decodeHuffman, mostDecodedBytes } from './huffman.js'
import { STATIC_TABLE } from './static-table.js'

/** Why a header block cannot be followed. Its table is not known any more: nothing after it can be either. */
export type HpackFailure =
  | 'truncated' // it ends inside a field
  | 'integer-too-large'
  | 'no-such-index'
  | 'bad-huffman'
  | 'table-too-large' // a size update above our bound, or in the middle of a block
  | 'headers-too-large' // more bytes, decoded, than the bound

/** RFC 9113 section 6.5.2: the table's size before anybody says otherwise. */
export const DEFAULT_TABLE_BYTES = 4096
/** Whoever announces a larger table is not followed: it is held for each direction of each connection. */
export const MAX_TABLE_BYTES = 64 * 1024

/** Five bytes of seven bits are more than any length that fits a block. */
const MAX_INTEGER_BYTES = 5
const MAX_INTEGER = 2 ** 28

/** The first byte of a field's representation, RFC 7541 section 6. */
const INDEXED = 0x80
const INCREMENTAL = 0x40
const SIZE_UPDATE = 0x20
const HUFFMAN = 0x80

/** Who is given the fields of a block. */
export interface FieldReceiver {
  /** False: fields of that name need not be given, and those that no table keeps are not decoded. Not there: all are wanted. */
  wantsField?(id: FieldId): boolean
  /** In their order. A field of a table is the same object each time. */
  onField(field: HeaderField): void
}

/**
 * Decodes the header blocks of one direction of a connection, in their order: RFC 7541. Its table follows the encoder's, so that each
 * block must be shown whole, once. Values are one character a byte.
 */
export class HpackDecoder {
  readonly #table: DynamicTable
  readonly #maxTableBytes: number
  readonly #maxBlockBytes: number
  #scratch = new Uint8Array(256)
  // Of the block under way.
  #block: Uint8Array = NOTHING
  #at = 0
  #end = 0
  #decodedBytes = 0
  #failure: HpackFailure | undefined

  /** `maxBlockBytes`: of one block's fields, names and values decoded. */
  constructor(maxBlockBytes: number, maxTableBytes = MAX_TABLE_BYTES) {
    this.#table = new DynamicTable(DEFAULT_TABLE_BYTES)
    this.#maxTableBytes = maxTableBytes
    this.#maxBlockBytes = maxBlockBytes
  }

  /** Fields that the table holds, and their size. */
  get table(): { readonly count: number; readonly bytes: number } {
    return this.#table
  }

  /** Gives the block's fields to `receiver`. What went wrong, else undefined; after a failure it is not asked again. */
  decode(block: Uint8Array, start: number, end: number, receiver: FieldReceiver): HpackFailure | undefined {
    this.#block = block
    this.#at = start
    this.#end = end
    this.#decodedBytes = 0
    let mayResize = true
    while (this.#at < end && this.#failure === undefined) {
      const first = block[this.#at]!
      if ((first & 0xe0) === SIZE_UPDATE) {
        this.#resize(mayResize)
        continue
      }
      mayResize = false
      const field = (first & INDEXED) !== 0 ? this.#indexed(this.#integer(7)) : this.#literal(first, receiver)
      if (field !== undefined && this.#failure === undefined) receiver.onField(field)
    }
    this.#block = NOTHING
    return this.#failure
  }

  /** Section 6.3: at the beginning of a block. */
  #resize(isAllowed: boolean): void {
    const bytes = this.#integer(5)
    if (this.#failure !== undefined) return
    if (!isAllowed || bytes > this.#maxTableBytes) this.#fail('table-too-large')
    else this.#table.resize(bytes)
  }

  /** Section 2.3.3: the static table's indices come first, from 1 on. */
  #indexed(index: number): HeaderField | undefined {
    if (this.#failure !== undefined) return undefined
    const field =
      index <= STATIC_TABLE.length ? STATIC_TABLE[index - 1] : this.#table.at(index - STATIC_TABLE.length - 1)
    if (field === undefined) this.#fail('no-such-index')
    else this.#countBytes(field.size)
    return field
  }

  /** Sections 6.2.1 to 6.2.3: with incremental indexing, without, or never indexed. */
  #literal(first: number, receiver: FieldReceiver): HeaderField | undefined {
    const isIncremental = (first & INCREMENTAL) !== 0
    const index = this.#integer(isIncremental ? 6 : 4)
    const named = index === 0 ? undefined : this.#indexed(index)
    const name = index === 0 ? this.#string() : named?.name
    if (name === undefined) return undefined
    const id = named?.id ?? fieldId(name)
    if (!isIncremental && receiver.wantsField?.(id) === false) return this.#skipString()
    const value = this.#string()
    if (value === undefined) return undefined
    const field = new HeaderField(name, value, id)
    if (isIncremental) this.#table.add(field)
    return field
  }

  #skipString(): undefined {
    if (this.#at >= this.#end) return this.#fail('truncated')
    const length = this.#integer(7)
    if (length > this.#end - this.#at) return this.#fail('truncated')
    this.#at += length
    this.#countBytes(length)
    return undefined
  }

  /** Section 5.2: H(1 bit) length(7-bit prefix) and the string. */
  #string(): string | undefined {
    if (this.#failure !== undefined) return undefined
    if (this.#at >= this.#end) return this.#fail('truncated')
    const isHuffman = (this.#block[this.#at]! & HUFFMAN) !== 0
    const length = this.#integer(7)
    if (this.#failure !== undefined) return undefined
    const start = this.#at
    if (length > this.#end - start) return this.#fail('truncated')
    this.#at = start + length
    if (!isHuffman) {
      this.#countBytes(length)
      return this.#failure === undefined ? latin1(this.#block, start, this.#at) : undefined
    }
    return this.#decodeHuffman(start, length)
  }

  #decodeHuffman(start: number, codedBytes: number): string | undefined {
    const most = mostDecodedBytes(codedBytes)
    if (codedBytes > this.#maxBlockBytes) return this.#fail('headers-too-large')
    if (this.#scratch.length < most) this.#scratch = new Uint8Array(2 * most)
    const length = decodeHuffman(this.#block, start, start + codedBytes, this.#scratch)
    if (length < 0) return this.#fail('bad-huffman')
    this.#countBytes(length)
    return this.#failure === undefined ? latin1(this.#scratch, 0, length) : undefined
  }

  /** Section 5.1: the low `prefixBits` of a byte; all ones: plus seven bits a byte, the lowest first. */
  #integer(prefixBits: number): number {
    const most = (1 << prefixBits) - 1
    let value = this.#block[this.#at++]! & most
    if (value < most) return value
    for (let shift = 0; shift < 7 * MAX_INTEGER_BYTES; shift += 7) {
      if (this.#at >= this.#end) return this.#failInteger('truncated')
      const byte = this.#block[this.#at++]!
      value += (byte & 0x7f) * 2 ** shift
      if (value > MAX_INTEGER) return this.#failInteger('integer-too-large')
      if (byte < 0x80) return value
    }
    return this.#failInteger('integer-too-large')
  }

  #countBytes(bytes: number): void {
    this.#decodedBytes += bytes
    if (this.#decodedBytes > this.#maxBlockBytes) this.#fail('headers-too-large')
  }

  #fail(failure: HpackFailure): undefined {
    this.#failure ??= failure
    return undefined
  }

  #failInteger(failure: HpackFailure): number {
    this.#fail(failure)
    return 0
  }
}

const NOTHING = new Uint8Array(0)
