import { describe, expect, test } from 'vitest'
import type { EndpointSource, SourcedEndpoint } from '../../src/core/endpoint-source.js'
import { GuardedSource } from '../../src/core/guarded-source.js'
import type { Log } from '../../src/core/log.js'

const SHARE = { weight: undefined, maxConnections: undefined }

class Given implements EndpointSource {
  readonly label = 'given'
  problem: string | undefined
  onStart: () => Promise<void> = () => Promise.resolve()
  onStop: () => void = () => {}
  give: (endpoints: readonly SourcedEndpoint[]) => void = () => {}

  start(onChange: (endpoints: readonly SourcedEndpoint[]) => void): Promise<void> {
    this.give = onChange
    return this.onStart()
  }

  stop(): void {
    this.onStop()
  }
}

async function started(given = new Given(), share: ConstructorParameters<typeof GuardedSource>[1] = SHARE) {
  const logged: string[] = []
  const note = (_fields: unknown, message: string): void => void logged.push(message)
  const log: Log = { debug: note, info: note, warn: note, error: note }
  const guarded = new GuardedSource(given, share, log)
  const sets: (readonly SourcedEndpoint[])[] = []
  await guarded.start((endpoints) => void sets.push(endpoints))
  return { given, guarded, sets, logged }
}

describe('a source of a plugin', () => {
  test('names endpoints, of which a copy is kept, with what the configuration says of all of them', async () => {
    const { given, sets } = await started(new Given(), { weight: 2, maxConnections: 9 })
    const own = [{ host: '10.0.0.1', port: 80, weight: 1.5 }]
    given.give(own)
    own[0]!.port = 81
    given.give([{ host: 'fd00::1', port: 80, maxConnections: 3, priority: 1 }])
    expect(sets).toEqual([
      [{ host: '10.0.0.1', port: 80, weight: 3, maxConnections: 9, priority: 0 }],
      [{ host: 'fd00::1', port: 80, weight: 2, maxConnections: 3, priority: 1 }],
    ])
  })

  test.each<[string, unknown]>([
    ['no list', 'web'],
    ['no host', { port: 80 }],
    ['an empty host', { host: '', port: 80 }],
    ['a host that is too long', { host: 'a'.repeat(254), port: 80 }],
    ['no port', { host: '10.0.0.1' }],
    ['a port of zero', { host: '10.0.0.1', port: 0 }],
    ['a port that is text', { host: '10.0.0.1', port: '80' }],
    ['a weight of zero', { host: '10.0.0.1', port: 80, weight: 0 }],
    ['a weight that is none', { host: '10.0.0.1', port: 80, weight: NaN }],
    ['no room', { host: '10.0.0.1', port: 80, maxConnections: 0 }],
    ['half a priority', { host: '10.0.0.1', port: 80, priority: 0.5 }],
    ['nothing', undefined],
  ])('that names %s keeps the last set, with a problem, until it is right again', async (_, wrong) => {
    const { given, guarded, sets, logged } = await started()
    given.give([{ host: '10.0.0.1', port: 80 }])
    given.give((typeof wrong === 'string' ? wrong : [{ host: '10.0.0.2', port: 80 }, wrong]) as SourcedEndpoint[])
    expect(sets).toHaveLength(1)
    expect(guarded.problem).toBeDefined()
    expect(logged).toEqual(['the source named what is no endpoint, the last ones stay'])
    given.give([])
    expect(sets.at(-1)).toEqual([])
    expect(guarded.problem).toBeUndefined()
  })

  test('has a thousand endpoints at most', async () => {
    const { given, sets, logged } = await started()
    given.give(Array.from({ length: 1_001 }, (_, index) => ({ host: '10.0.0.1', port: index + 1 })))
    expect(sets[0]).toHaveLength(1_000)
    expect(logged).toEqual(['only 1000 of 1001 endpoints are used'])
  })

  test('says its own problem', async () => {
    const { given, guarded } = await started()
    given.problem = 'the API server answered 403'
    expect(guarded.problem).toBe('the API server answered 403')
  })

  test.each<[string, () => Promise<void>]>([
    ['rejects', () => Promise.reject(new Error('no way'))],
    [
      'throws',
      () => {
        throw new Error('no way')
      },
    ],
  ])('that %s in its start has a problem, and may come to name endpoints', async (_, onStart) => {
    const { given, guarded, sets } = await started(Object.assign(new Given(), { onStart }))
    expect(guarded.problem).toBe('no way')
    given.give([{ host: '10.0.0.1', port: 80 }])
    expect(guarded.problem).toBeUndefined()
    expect(sets).toHaveLength(1)
  })

  test('is not heard after its stop, and may throw there', async () => {
    const given = new Given()
    given.onStop = () => {
      throw new Error('no way out')
    }
    const { guarded, sets, logged } = await started(given)
    guarded.stop()
    given.give([{ host: '10.0.0.1', port: 80 }])
    expect(sets).toEqual([])
    expect(logged).toEqual(['the source could not be stopped'])
  })
})
