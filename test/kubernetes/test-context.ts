import { registryOf } from '../../src/core/config/registry.js'
import type { InjectionContext } from '../../src/kubernetes/inject-manifest.js'
import { defaultSettings, type InjectionSettings } from '../../src/kubernetes/injection-settings.js'
import { configChanger } from '../../src/kubernetes/sidecar-config.js'
import { builtIns } from '../../src/plugins/built-ins.js'

export const registry = registryOf([builtIns])

/** A configuration as an image has it, so that what the tests expect does not change with ours. */
const IMAGE_CONFIG = `# About itself.
admin: { address: 0.0.0.0:4191 }
listeners:
  - name: inbound
    direction: inbound
    address: ["0.0.0.0:4143", "[::]:4143"]
    intercept: redirect
    destination: original
  - name: outbound
    direction: outbound
    address: ["127.0.0.1:4140", "[::1]:4140"]
    intercept: redirect
    destination: original
`

const configFor = configChanger(IMAGE_CONFIG, registry)

/** What `sluice inject` does with these flags, in a version that does not change with ours. */
export function testContext(flags: Partial<InjectionSettings> = {}): InjectionContext {
  return {
    version: '1.2.3',
    settings: { ...defaultSettings('1.2.3'), ...flags },
    configFor,
  }
}
