import { defineConfig } from 'vitest/config'

export default defineConfig({
  oxc: { decorator: { legacy: true } },
  test: {
    include: ['test/**/*.test.ts'],
    // Every read buffer is overwritten as soon as its callback has returned: who keeps a borrowed chunk, fails.
    env: { SLUICE_POISON_READS: '1' },
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
  },
})
