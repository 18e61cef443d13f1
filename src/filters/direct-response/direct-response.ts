import { z } from 'zod'
import { defineFilter } from '../../core/filter.js'

/** It is sent in one go and kept in memory once: more belongs into a server. */
const MAX_BODY_LENGTH = 64 * 1024

const options = z.strictObject({
  body: z
    .string()
    .max(MAX_BODY_LENGTH)
    .default('')
    .describe('What the client gets, as UTF-8, at most 64 KiB. Default: nothing.'),
})

/** The options as they are written. */
export type DirectResponseInput = z.input<typeof options>

/** Answers every connection itself: sends the body, ends its half, reads the client out for a bounded time, closes. */
export const directResponse = defineFilter({
  name: 'direct-response',
  options,
  terminal: true,
  create({ options: { body } }) {
    const answer = Buffer.from(body)
    return {
      onConnection(connection) {
        connection.answer(answer)
        return 'handled'
      },
    }
  },
})
