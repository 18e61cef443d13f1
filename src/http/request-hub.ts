import { token } from '../core/tokens.js'
import type { RequestRecord } from './request-record.js'

/** Is given each request that ends. It must not throw. */
export type RequestReceiver = (record: RequestRecord) => void

/** Requests of all listeners, for whoever wants to see them. Of a listener that nobody asked about nothing is made. */
export class RequestHub {
  #everywhere: readonly RequestReceiver[] = []
  readonly #channels = new Map<string, RequestChannel>()

  /** Calls `receiver` with each request, of one listener or of all, until the function that is returned is called. */
  subscribe(receiver: RequestReceiver, listener?: string): () => void {
    // One of its own, so that the same function may be there twice.
    const own: RequestReceiver = (record) => receiver(record)
    if (listener !== undefined) return this.channel(listener).add(own)
    this.#everywhere = [...this.#everywhere, own]
    for (const channel of this.#channels.values()) channel.add(own)
    return () => {
      this.#everywhere = this.#everywhere.filter((one) => one !== own)
      for (const channel of this.#channels.values()) channel.remove(own)
    }
  }

  /** Where the requests of a listener are told of. */
  channel(listener: string): RequestChannel {
    let channel = this.#channels.get(listener)
    if (channel === undefined) {
      channel = new RequestChannel()
      for (const receiver of this.#everywhere) channel.add(receiver)
      this.#channels.set(listener, channel)
    }
    return channel
  }
}

/** Requests of one listener. */
export class RequestChannel {
  #receivers: readonly RequestReceiver[] = []

  /** Somebody listens. */
  get isWanted(): boolean {
    return this.#receivers.length > 0
  }

  add(receiver: RequestReceiver): () => void {
    this.#receivers = [...this.#receivers, receiver]
    return () => this.remove(receiver)
  }

  remove(receiver: RequestReceiver): void {
    this.#receivers = this.#receivers.filter((one) => one !== receiver)
  }

  publish(record: RequestRecord): void {
    for (const receiver of this.#receivers) receiver(record)
  }
}

/** Where filters that speak HTTP tell of requests. */
export const REQUEST_HUB = token<RequestHub>('request-hub')
