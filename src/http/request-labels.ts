import type { HttpExchange } from './http-exchange.js'
import type { HttpMetricCells, OptionalLabels } from './http-metric-cells.js'
import { LabelValues } from './label-values.js'
import { matchesTemplate, type PathTemplate } from './path-template.js'

/** Which labels requests get beside those that all have. */
export interface RequestLabelOptions {
  readonly method: boolean
  readonly authority: boolean
  /** The first template that a path matches is its label; paths themselves never are. */
  readonly routes: readonly PathTemplate[]
  /** `grpc_service` and `grpc_method`, of gRPC calls. */
  readonly grpc: boolean
  /** Values of one label; further ones are `other`. */
  readonly maxValues: number
}

/** RFC 9110 section 9.3, and PATCH (RFC 5789): anybody may make up others. */
export const METHODS: ReadonlySet<string> = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH'.split(' '))
const OTHER = 'other'

/** Finds the values of the optional labels of a request, all of them bounded. */
export class RequestLabels {
  readonly areWanted: boolean
  readonly #options: RequestLabelOptions
  readonly #authorities: LabelValues
  readonly #services: LabelValues
  readonly #rpcs: LabelValues

  constructor(options: RequestLabelOptions, cells: HttpMetricCells) {
    const { method, authority, routes, grpc, maxValues } = options
    this.areWanted = method || authority || grpc || routes.length > 0
    this.#options = options
    this.#authorities = new LabelValues(maxValues, cells.overflow('authority'))
    this.#services = new LabelValues(maxValues, cells.overflow('grpc_service'))
    this.#rpcs = new LabelValues(maxValues, cells.overflow('grpc_method'))
  }

  of(exchange: HttpExchange): OptionalLabels {
    const { method, authority, routes, grpc } = this.#options
    // A rule's name, where one has chosen, says more than a template.
    if (routes.length > 0 && exchange.route === undefined)
      exchange.route = routes.find((route) => matchesTemplate(route, exchange.target))?.text ?? OTHER
    return {
      ...(method && { method: METHODS.has(exchange.method) ? exchange.method : OTHER }),
      ...(authority && { authority: this.#authorities.of(exchange.authority.toLowerCase()) }),
      ...(exchange.route !== undefined && { route: exchange.route }),
      ...(grpc && exchange.isGrpc && this.#rpcLabels(exchange.target)),
    }
  }

  /** gRPC over HTTP/2: the path is "/" service "/" method. */
  #rpcLabels(path: string): OptionalLabels {
    const slash = path.lastIndexOf('/')
    return {
      grpc_service: this.#services.of(path.slice(1, Math.max(1, slash))),
      grpc_method: this.#rpcs.of(path.slice(slash + 1)),
    }
  }
}
