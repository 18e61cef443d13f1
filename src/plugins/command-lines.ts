import { CR, LF, SPACE } from './ascii.js'
import { compareLetters, ENDED, latin1Bytes, WRONG } from './compare-bytes.js'

/**
 * A command of a protocol whose clients say a word, perhaps a space and an argument, and end the line: FTP, POP3, NNTP, IRC. Some
 * words belong to several of them, so that it may take more than one line to know.
 */
export interface Command {
  /** In lower case; letters of either case match. */
  readonly word: Uint8Array
  /** Whether it takes the argument from `start` to `end`; the two are the same where there is none. */
  takes(window: Uint8Array, start: number, end: number): boolean
  /** No other protocol has it, so formed. Else the next line is looked at. */
  readonly decides: boolean
  /** A client may begin with it. */
  readonly isFirst: boolean
}

/** Set in a byte that stands for a letter: the lower case of ASCII. */
const LOWER_CASE = 0x20

/** A user's name, a password and what comes next. Short, since each look begins at the first line. */
export const MAX_COMMANDS_BYTES = 256

export const noArgument: Command['takes'] = (_window, start, end) => start === end
export const anyArgument: Command['takes'] = () => true
export const someArgument: Command['takes'] = (_window, start, end) => start < end

/** The argument is one of these words, in either case. */
export function oneOf(...words: string[]): Command['takes'] {
  const letters = words.map(latin1Bytes)
  return (window, start, end) =>
    letters.some((word) => word.length === end - start && compareLetters(window, start, word, end) === 'match')
}

/** The command with that word, as a client's first or only as a later one. */
export function command(word: string, takes: Command['takes'], says: 'decides' | 'goes-on', isFirst: boolean): Command {
  return { word: latin1Bytes(word), takes, decides: says === 'decides', isFirst }
}

/** The index of the line that decides; `ENDED` where it may come yet; `WRONG` where a line is none of these commands. */
export function findDecidingLine(window: Uint8Array, commands: readonly Command[]): number {
  const end = Math.min(window.length, MAX_COMMANDS_BYTES)
  for (let line = 0; ;) {
    const found = findCommand(window, line, end, commands)
    if (typeof found === 'number') return unfinished(found, end)
    const word = line + found.word.length
    const start = window[word] === SPACE ? word + 1 : word
    const argumentEnd = skipText(window, start, end)
    if (argumentEnd < 0) return unfinished(argumentEnd, end)
    const lineEnd = window[argumentEnd] === CR ? argumentEnd + 1 : argumentEnd
    if (lineEnd >= end) return unfinished(ENDED, end)
    if (window[lineEnd] !== LF || !found.takes(window, start, argumentEnd)) return WRONG
    if (found.decides) return line
    line = lineEnd + 1
  }
}

function unfinished(result: number, end: number): number {
  return result === ENDED && end === MAX_COMMANDS_BYTES ? WRONG : result
}

/** The command whose word is a whole one at `line`. */
function findCommand(window: Uint8Array, line: number, end: number, commands: readonly Command[]): Command | number {
  if (line >= end) return ENDED
  const letter = window[line]! | LOWER_CASE
  let result = WRONG
  for (const each of commands) {
    if (each.word[0] !== letter || (line === 0 && !each.isFirst)) continue
    const compared = compareLetters(window, line, each.word, end)
    if (compared === 'no-match') continue
    const next = line + each.word.length
    if (compared === 'need-more' || next >= end) result = ENDED
    else if (isWordEnd(window[next]!)) return each
  }
  return result
}

function isWordEnd(byte: number): boolean {
  return byte === SPACE || byte === CR || byte === LF
}

/** The index of the CR or LF behind text, which is anything but NUL: RFC 959 section 5.3.2, RFC 2812 section 2.3.1. */
function skipText(window: Uint8Array, from: number, end: number): number {
  for (let at = from; at < end; at++) {
    const byte = window[at]!
    if (byte === CR || byte === LF) return at
    if (byte === 0) return WRONG
  }
  return ENDED
}
