import { defineConfig } from 'vitest/config'
import { NamespaceReporter } from './test/support/namespace-reporter.js'

export default defineConfig({
  // Examples import the package by its name, as their readers do.
  resolve: {
    alias: [
      { find: /^sluice$/, replacement: `${import.meta.dirname}/src/index.ts` },
      { find: /^sluice\/testing$/, replacement: `${import.meta.dirname}/src/testing/index.ts` },
    ],
  },
  oxc: { decorator: { legacy: true } },
  test: {
    include: ['test/**/*.test.ts', 'examples/**/*.test.ts'],
    // Every read buffer is overwritten as soon as its callback has returned: who keeps a borrowed chunk, fails.
    env: { SLUICE_POISON_READS: '1' },
    reporters: ['default', new NamespaceReporter()],
    testTimeout: 20_000,
    hookTimeout: 60_000,
    pool: 'forks',
    // Most tests wait for servers and kernels: vitest's own default leaves a core idle.
    maxWorkers: '100%',
  },
})
