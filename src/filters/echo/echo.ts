import { z } from 'zod'
import { defineFilter } from '../../core/filter.js'

/** Sends everything that the client says back to it, with back-pressure and half-close. */
export const echo = defineFilter({
  name: 'echo',
  options: z.strictObject({}),
  terminal: true,
  create: () => ({
    onConnection(connection) {
      connection.relay(connection.downstream)
      return 'handled'
    },
  }),
})
