export const TAB = 0x09
export const LF = 0x0a
export const CR = 0x0d
export const SPACE = 0x20
export const COMMA = 0x2c
export const COLON = 0x3a
export const SEMICOLON = 0x3b

/** 1 for the characters of a token: RFC 9110 section 5.6.2. */
export const IS_TOKEN = new Uint8Array(256)
for (const char of "!#$%&'*+-.^_`|~0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ") {
  IS_TOKEN[char.charCodeAt(0)] = 1
}

/** Value of a hexadecimal digit, 255 for any other byte. */
export const HEX_VALUE = new Uint8Array(256).fill(255)
for (let i = 0; i < 16; i++) {
  HEX_VALUE[i.toString(16).charCodeAt(0)] = i
  HEX_VALUE[i.toString(16).toUpperCase().charCodeAt(0)] = i
}

/** Whether the bytes from `start` up to `end` are `word`, given in lower case letters and hyphens, in any case. */
export function equalsIgnoringCase(bytes: Uint8Array, start: number, end: number, word: string): boolean {
  if (end - start !== word.length) return false
  for (let i = 0; i < word.length; i++) {
    const expected = word.charCodeAt(i)
    const byte = bytes[start + i]!
    if (byte !== expected && !(isLowerCase(expected) && (byte | 0x20) === expected)) return false
  }
  return true
}

function isLowerCase(byte: number): boolean {
  return byte >= 0x61 && byte <= 0x7a
}

export function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB
}
