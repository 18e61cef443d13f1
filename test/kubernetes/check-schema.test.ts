import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { schemaModule } from '../../scripts/write-kubernetes-schema.mjs'
import { checkSchema } from '../../src/kubernetes/check-schema.js'
import { defaultSettings } from '../../src/kubernetes/injection-settings.js'
import { KUBERNETES_SCHEMA } from '../../src/kubernetes/kubernetes-schema.js'
import { makeSidecar } from '../../src/kubernetes/sidecar.js'

const container = (fields: object): string[] =>
  checkSchema(KUBERNETES_SCHEMA, 'core/v1.Container', { name: 'x', ...fields })

test('the schema is the one that kubernetes-types gives: node scripts/write-kubernetes-schema.mjs', async () => {
  expect(readFileSync(new URL('../../src/kubernetes/kubernetes-schema.ts', import.meta.url), 'utf8')).toBe(
    await schemaModule(),
  )
})

describe('a container by the types of Kubernetes', () => {
  test('may have what they have', () => {
    expect(
      container({
        ports: [{ containerPort: 80 }],
        livenessProbe: { httpGet: { port: 'http' } },
        readinessProbe: { httpGet: { port: 80 }, periodSeconds: null },
        resources: { limits: { cpu: '1' } },
        restartPolicy: 'Always',
      }),
    ).toEqual([])
  })

  test.each([
    [{ name: undefined }, ['core/v1.Container.name: is required']],
    [{ nmae: 'x' }, ['core/v1.Container.nmae: no such field']],
    [{ ports: [{ containerPort: '80' }] }, ['core/v1.Container.ports[0].containerPort: expected number, got string']],
    [{ ports: [{ name: 'http' }] }, ['core/v1.Container.ports[0].containerPort: is required']],
    [{ args: 'run' }, ['core/v1.Container.args: expected array, got string']],
    [
      { securityContext: { runAsNonRoot: 'yes' } },
      ['core/v1.Container.securityContext.runAsNonRoot: expected boolean, got string'],
    ],
    [{ resources: { limits: { cpu: 1 } } }, ['core/v1.Container.resources.limits.cpu: expected string, got number']],
    [{ env: [{ name: 'A', value: 1 }] }, ['core/v1.Container.env[0].value: expected string, got number']],
  ])('may not be %j', (fields, problems) => {
    expect(container(fields)).toEqual(problems)
  })

  test('may have a port by number or name, and nothing else', () => {
    expect(container({ livenessProbe: { httpGet: { port: true } } }).length).toBeGreaterThan(0)
  })
})

test('names of ports, containers and volumes are those that Kubernetes allows', () => {
  const { proxy, init, volume } = makeSidecar(defaultSettings('1.2.3'), false, true) as unknown as {
    proxy: { name: string; ports: { name: string }[] }
    init: { name: string }
    volume: { name: string }
  }
  // RFC 1123 labels; names of ports are IANA service names: 15 characters at most (RFC 6335 section 5.1).
  for (const { name } of [proxy, init, volume]) expect(name).toMatch(/^[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?$/)
  for (const { name } of proxy.ports) expect(name).toMatch(/^(?=.*[a-z])[a-z0-9](-?[a-z0-9]){0,14}$/)
  expect(proxy.ports.every(({ name }) => name.length <= 15)).toBe(true)
})
