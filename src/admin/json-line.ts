import { roundFractions } from './round-fractions.js'

/** DEL and the C1 controls, which `JSON.stringify` leaves as they are and a terminal may obey; and what JavaScript takes for line ends. */
const LEFT_BY_STRINGIFY = /[\u007f-\u009f\u2028\u2029]/g

/** One line of JSON, with its line feed: nothing that it says can begin another, or move a terminal's cursor. */
export function jsonLine(value: unknown): string {
  const escaped = JSON.stringify(value, roundFractions).replace(
    LEFT_BY_STRINGIFY,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  )
  return `${escaped}\n`
}
