/** Header fields that HTTP is told apart by. Everything else is `other`. */
export type FieldId =
  | 'other'
  | ':authority'
  | ':method'
  | ':path'
  | ':protocol'
  | ':scheme'
  | ':status'
  | 'content-type'
  | 'grpc-message'
  | 'grpc-status'
  | 'host'
  | 'referer'
  | 'user-agent'

const KNOWN: ReadonlySet<string> = new Set<FieldId>([
  ':authority',
  ':method',
  ':path',
  ':protocol',
  ':scheme',
  ':status',
  'content-type',
  'grpc-message',
  'grpc-status',
  'host',
  'referer',
  'user-agent',
])

/** RFC 7541 section 4.1: what a field takes of the table beside its bytes. */
const ENTRY_OVERHEAD_BYTES = 32

/** A header field, name and value one character a byte. */
export class HeaderField {
  readonly id: FieldId
  readonly name: string
  readonly value: string

  constructor(name: string, value: string, id = fieldId(name)) {
    this.id = id
    this.name = name
    this.value = value
  }

  /** Bytes that it takes of a dynamic table. */
  get size(): number {
    return this.name.length + this.value.length + ENTRY_OVERHEAD_BYTES
  }
}

/** What a name is told apart as. */
export function fieldId(name: string): FieldId {
  return KNOWN.has(name) ? (name as FieldId) : 'other'
}
