import 'reflect-metadata'
import { type DependencyContainer, container as rootContainer, injectable } from 'tsyringe'
import type { EndpointSource, EndpointSourceDefinition } from './endpoint-source.js'
import type { Filter, FilterDefinition, Injectables } from './filter.js'
import { errorText } from './error-text.js'
import { type ErrorCode, SluiceError } from './errors.js'
import type { Token } from './tokens.js'

/** A service to put behind its token: a value, or a factory that is called when it is first asked for. */
export interface Binding {
  readonly token: Token<unknown>
  readonly value?: unknown
  create?(): unknown
}

/** What says how something of a plugin is made. */
interface Definition {
  readonly name: string
  readonly use?: new (...args: never[]) => unknown
  readonly inject?: Injectables
  create?(injected: never): unknown
}

/** What it is that is made, and what it must have. */
interface Kind {
  readonly what: string
  readonly code: ErrorCode
  readonly methods: readonly string[]
}

/** The composition root's container of one instance. Nobody else but tests knows it. */
export class Container {
  readonly #container: DependencyContainer

  constructor(parent: DependencyContainer = rootContainer) {
    this.#container = parent.createChildContainer()
  }

  /** A later binding of a token replaces an earlier one. */
  bind(binding: Binding): void {
    if (!('create' in binding)) {
      this.#container.register(binding.token, { useValue: binding.value })
      return
    }
    let made: { readonly value: unknown } | undefined
    this.#container.register(binding.token, { useFactory: () => (made ??= { value: binding.create?.() }).value })
  }

  get<T>(token: Token<T>): T {
    return this.#container.resolve<T>(token)
  }

  child(): Container {
    return new Container(this.#container)
  }

  /** Makes a filter: its class with what its constructor asks for by token, or its factory with what `inject` names. */
  makeFilter(definition: FilterDefinition, options: unknown): Filter {
    return this.#make(definition, options, {
      what: 'filter',
      code: 'SLUICE_FILTER_FAILED',
      methods: ['onConnection'],
    }) as Filter
  }

  /** Makes a plugin's source of endpoints, likewise. */
  makeSource(definition: EndpointSourceDefinition, options: unknown): EndpointSource {
    return this.#make(definition, options, {
      what: 'source',
      code: 'SLUICE_SOURCE_FAILED',
      methods: ['start', 'stop'],
    }) as EndpointSource
  }

  #make(definition: Definition, options: unknown, { what, code, methods }: Kind): unknown {
    const { name } = definition
    let made: unknown
    try {
      made = this.#construct(definition, options)
    } catch (error) {
      const hint = definition.use ? '. Each parameter of its constructor needs @inject(TOKEN)' : ''
      const message = `${what} ${name} could not be made: ${errorText(error)}${hint}`
      throw new SluiceError(code, name, message, { cause: error })
    }
    const missing = methods.find(
      (method) => typeof (made as Readonly<Record<string, unknown>> | undefined)?.[method] !== 'function',
    )
    if (missing === undefined) return made
    throw new SluiceError(code, name, `${what} ${name} could not be made: it has no method ${missing}`)
  }

  #construct(definition: Definition, options: unknown): unknown {
    const { use, inject = {} } = definition
    if (use) {
      // Ours, not the plugin's: with two copies of tsyringe each knows only the classes that it decorated itself.
      injectable()(use)
      return this.#container.resolve(use)
    }
    if (definition.create === undefined) throw new TypeError('it has neither "use" nor "create"')
    const injected = Object.fromEntries(Object.entries(inject).map(([name, token]) => [name, this.get(token)]))
    return definition.create({ ...injected, options } as never)
  }
}
