import { defineFilter, type Plugin } from '../../src/index.js'
import { z } from 'zod'

const options = z.strictObject({ text: z.string().default('seen') })

declare module 'sluice' {
  interface FilterOptionsMap {
    'acme-note': z.input<typeof options>
  }
}

const note = defineFilter({
  name: 'acme-note',
  options,
  create: ({ options: { text } }) => ({
    onConnection(connection) {
      connection.trace.note(text)
      return 'continue'
    },
  }),
})

export default { name: 'acme-note', apiVersion: 1, filters: [note] } satisfies Plugin
