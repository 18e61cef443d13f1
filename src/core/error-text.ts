// Control characters of ASCII and Latin-1: they would steer a terminal, or break a line.
const CONTROLS = /[\u0000-\u001f\u007f-\u009f]+/g

/**
 * What a thrown value says, on one line, for messages and traces. Total: strangers throw `null`, symbols, and objects that throw when
 * they are asked for their text.
 */
export function errorText(error: unknown): string {
  try {
    const text = error instanceof Error ? error.message : String(error)
    return withoutControls(text.replaceAll(/\s*\n\s*/g, ' '))
  } catch {
    return 'a value that has no text'
  }
}

/** Text of strangers for a terminal: what would steer it is a question mark. */
export function withoutControls(text: string): string {
  return text.replaceAll(CONTROLS, '?')
}
