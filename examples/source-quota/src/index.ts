import { type Connection, defineFilter, type Filter, type Plugin, token, type Verdict } from 'sluice'
import { z } from 'zod'

/** Counts open connections a source. The default lives in this process; provide another to share it. */
export interface QuotaStore {
  take(source: string, limit: number): boolean
  release(source: string): void
}
export const QUOTA_STORE = token<QuotaStore>('acme/quota-store') // Symbol.for underneath: equal across copies

const options = z.strictObject({
  perSource: z.int().min(1).default(100).describe('Open connections one source address may hold.'),
  exempt: z.array(z.string()).default([]).describe('Source addresses that are never counted.'),
})

class SourceQuota implements Filter<'over-quota'> {
  readonly #options: z.output<typeof options>
  readonly #store: QuotaStore

  constructor(settings: z.output<typeof options>, store: QuotaStore) {
    this.#options = settings
    this.#store = store
  }

  onConnection(connection: Connection): Verdict<'over-quota'> {
    const source = connection.source.host
    if (this.#options.exempt.includes(source)) return 'continue'
    if (!this.#store.take(source, this.#options.perSource)) return { deny: 'over-quota' }
    connection.onClose(() => this.#store.release(source))
    return 'continue'
  }
}

const sourceQuota = defineFilter({
  name: 'acme-source-quota',
  options,
  denyReasons: ['over-quota'],
  inject: { store: QUOTA_STORE },
  create: ({ options, store }) => new SourceQuota(options, store),
})

function memoryStore(): QuotaStore {
  const open = new Map<string, number>()
  return {
    take(source, limit) {
      const count = open.get(source) ?? 0
      if (count >= limit) return false
      open.set(source, count + 1)
      return true
    },
    release(source) {
      const left = (open.get(source) ?? 1) - 1
      if (left === 0) open.delete(source)
      else open.set(source, left)
    },
  }
}

export default {
  name: 'acme',
  apiVersion: 1,
  filters: [sourceQuota],
  providers: [{ token: QUOTA_STORE, create: memoryStore }],
} satisfies Plugin
