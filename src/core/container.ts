import 'reflect-metadata'
import { type DependencyContainer, container as rootContainer, injectable } from 'tsyringe'
import type { Filter, FilterDefinition } from './filter.js'
import { errorText } from './error-text.js'
import { SluiceError } from './errors.js'
import type { Token } from './tokens.js'

/** A service to put behind its token: a value, or a factory that is called when it is first asked for. */
export interface Binding {
  readonly token: Token<unknown>
  readonly value?: unknown
  create?(): unknown
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
    const { name } = definition
    let filter: Filter
    try {
      filter = this.#construct(definition, options)
    } catch (error) {
      const hint = definition.use ? '. Each parameter of its constructor needs @inject(TOKEN)' : ''
      const message = `filter ${name} could not be made: ${errorText(error)}${hint}`
      throw new SluiceError('SLUICE_FILTER_FAILED', name, message, { cause: error })
    }
    if (typeof (filter as Partial<Filter> | undefined)?.onConnection === 'function') return filter
    throw new SluiceError(
      'SLUICE_FILTER_FAILED',
      name,
      `filter ${name} could not be made: it has no method onConnection`,
    )
  }

  #construct(definition: FilterDefinition, options: unknown): Filter {
    const { use, inject = {} } = definition
    if (use) {
      // Ours, not the plugin's: with two copies of tsyringe each knows only the classes that it decorated itself.
      injectable()(use)
      return this.#container.resolve(use as never)
    }
    if (definition.create === undefined) throw new TypeError('it has neither "use" nor "create"')
    const injected = Object.fromEntries(Object.entries(inject).map(([name, token]) => [name, this.get(token)]))
    return definition.create({ ...injected, options } as never)
  }
}
