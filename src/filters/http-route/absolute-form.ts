/** RFC 9112 section 3.2.2. A name and password have no place in it (RFC 9110 section 4.2.4). */
const ABSOLUTE_FORM = /^https?:\/\/([^/?@]*)(?:[/?]|$)/i

/** Host and port of a target in absolute form; undefined for another form. */
export function authorityOf(target: string): string | undefined {
  return ABSOLUTE_FORM.exec(target)?.[1]
}
