import { onTestFinished } from 'vitest'
import { createSluice, type Sluice, type SluiceOverrides } from '../../src/sluice.js'
import type { SluiceConfig } from '../../src/sluice-config.js'
import { CLOCK } from '../../src/core/tokens.js'
import { type FakeClock } from '../../src/testing/fake-clock.js'

/** Starts a proxy that is stopped with the test. */
export async function startSluice(config: SluiceConfig | string, overrides?: SluiceOverrides): Promise<Sluice> {
  const sluice = await createSluice(config, overrides).start()
  onTestFinished(() => sluice.stop())
  return sluice
}

/** One listener, `in`, on a free port. */
export async function startListener(
  listener: Record<string, unknown>,
  { clock, ...overrides }: SluiceOverrides & { readonly clock?: FakeClock } = {},
): Promise<Sluice> {
  const providers = [...(overrides.providers ?? []), ...(clock ? [{ token: CLOCK, value: clock }] : [])]
  return startSluice({ listeners: [{ name: 'in', address: '127.0.0.1:0', ...listener }] }, { ...overrides, providers })
}

/** Lets the event loop turn, so that what is under way on this machine arrives. */
export async function turns(count = 20): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise<void>((resolve) => setImmediate(resolve))
}
