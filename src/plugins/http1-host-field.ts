import { indexOfByte } from '../protocols/byte-views.js'
import { CR, LF, SPACE, TAB } from './ascii.js'
import { compareLetters, ENDED, latin1Bytes } from './compare-bytes.js'

const HOST = latin1Bytes('host:')
/** A name of 253 bytes, a port, and some blanks: a longer line names no host. */
export const MAX_HOST_LINE_BYTES = 320

const SHORT_LINE_BYTES = 24

/** The value of a Host field, its blanks left out: bytes from `start` up to `end`. */
export interface HostField {
  readonly start: number
  readonly end: number
}

const NO_HOST: HostField = { start: 0, end: 0 }

/**
 * The first Host field of a head whose fields begin at `fields`: RFC 9112 section 3.2 and 5. An empty one where the head ends without
 * it or its line is too long; `ENDED` where `end` comes before it can be told. What decides does not end before `seen`.
 */
export function findHostField(bytes: Uint8Array, fields: number, end: number, seen: number): HostField | typeof ENDED {
  let line = undecidedLine(bytes, fields, seen)
  while (line < end) {
    const first = bytes[line]!
    if (first === LF) return NO_HOST
    if (first === CR) {
      if (line + 1 >= end) return ENDED
      if (bytes[line + 1] === LF) return NO_HOST
    }
    const isHost = compareLetters(bytes, line, HOST, end)
    if (isHost === 'need-more') return ENDED
    const lineFeed = findLineFeed(bytes, line, end)
    const isWhole = lineFeed >= 0
    if (isHost === 'match' && isWhole) return valueOf(bytes, line + HOST.length, lineFeed)
    if (isHost === 'match' && end - line > MAX_HOST_LINE_BYTES) return NO_HOST
    if (!isWhole) return ENDED
    line = lineFeed + 1
  }
  return ENDED
}

/** Where the line ends; -1 where it does not before `end`. Calling into the runtime takes longer than to look at a short line. */
function findLineFeed(bytes: Uint8Array, line: number, end: number): number {
  const near = Math.min(end, line + SHORT_LINE_BYTES)
  for (let at = line; at < near; at++) if (bytes[at] === LF) return at
  const far = indexOfByte(bytes, LF, near)
  return far < end ? far : -1
}

/** The first line that was not decided with `seen` bytes: a Host field that began earlier would have been. */
function undecidedLine(bytes: Uint8Array, fields: number, seen: number): number {
  const from = seen - MAX_HOST_LINE_BYTES - 1
  if (from <= fields) return fields
  const lineFeed = indexOfByte(bytes, LF, from - 1)
  return lineFeed < 0 ? bytes.length : lineFeed + 1
}

function valueOf(bytes: Uint8Array, from: number, lineFeed: number): HostField {
  let start = from
  let end = bytes[lineFeed - 1] === CR ? lineFeed - 1 : lineFeed
  if (end - start > MAX_HOST_LINE_BYTES - HOST.length - 1) return NO_HOST
  while (start < end && isBlank(bytes[start]!)) start++
  while (end > start && isBlank(bytes[end - 1]!)) end--
  return { start, end }
}

function isBlank(byte: number): boolean {
  return byte === SPACE || byte === TAB
}
