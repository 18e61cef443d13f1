export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20

export const DIGITS = '0123456789'
export const LETTERS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

export function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39
}

export function isLetter(byte: number): boolean {
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x7a
}

/** A space or a character that leaves ink: 0x20 to 0x7e. What facts are made of, since they go to terminals. */
export function isPrintable(byte: number): boolean {
  return byte >= SPACE && byte <= 0x7e
}

/** A character that leaves ink: 0x21 to 0x7e. */
export function isVisible(byte: number): boolean {
  return byte > SPACE && byte <= 0x7e
}
