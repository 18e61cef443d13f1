import { z } from 'zod'
import { defineEndpointSource, type EndpointSource, type SourcedEndpoint } from '../../src/core/endpoint-source.js'
import type { Plugin } from '../../src/plugins/plugin.js'

/** A plugin whose source names the endpoints that a test gives: `source: given`. */
export class GivenEndpoints {
  readonly plugin: Plugin
  #publish: (endpoints: readonly SourcedEndpoint[]) => void = () => {}

  /** Ports of this machine. */
  constructor(...ports: readonly number[]) {
    const source: EndpointSource = {
      label: 'given',
      problem: undefined,
      start: async (onChange) => {
        await Promise.resolve()
        this.#publish = onChange
        this.give(...ports)
      },
      stop: () => {},
    }
    const given = defineEndpointSource({ name: 'given', options: z.strictObject({}), create: () => source })
    this.plugin = { name: 'given', apiVersion: 1, endpointSources: [given] }
  }

  give(...ports: readonly number[]): void {
    this.#publish(ports.map((port) => ({ host: '127.0.0.1', port })))
  }
}
