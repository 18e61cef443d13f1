import { readFile } from 'node:fs/promises'
import type { Clock } from '../core/clock.js'
import type { DnsConfig, SourceConfig } from '../core/config/config.js'
import type { EndpointSource, EndpointSources } from '../core/endpoint-source.js'
import type { Log } from '../core/log.js'
import { DnsClient } from './dns-client.js'
import { DnsSource } from './dns-source.js'
import { FileSource } from './file-source.js'
import { parseResolvConf, type ResolverSettings } from './resolv-conf.js'
import { Resolver } from './resolver.js'

const RESOLV_CONF = '/etc/resolv.conf'

/** Makes the sources that the YAML can name. */
export class ConfiguredSources implements EndpointSources {
  readonly #clock: Clock
  readonly #log: Log

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  make(source: SourceConfig, dns: DnsConfig): EndpointSource {
    const environment = { clock: this.#clock, log: this.#log, random: Math.random }
    if (source.kind === 'file') return new FileSource(source, environment)
    const resolver = new LateResolver(dns, this.#clock)
    return new DnsSource(source, dns, { ...environment, resolver })
  }
}

/** A resolver of what resolv.conf says when it is first asked, and again whenever a question has failed. */
class LateResolver implements Pick<Resolver, 'addresses' | 'services'> {
  readonly #dns: DnsConfig
  readonly #clock: Clock
  #made: Promise<Resolver> | undefined

  constructor(dns: DnsConfig, clock: Clock) {
    this.#dns = dns
    this.#clock = clock
  }

  addresses(name: string, signal: AbortSignal): ReturnType<Resolver['addresses']> {
    return this.#ask((resolver) => resolver.addresses(name, signal))
  }

  services(name: string, signal: AbortSignal): ReturnType<Resolver['services']> {
    return this.#ask((resolver) => resolver.services(name, signal))
  }

  async #ask<T>(ask: (resolver: Resolver) => Promise<T>): Promise<T> {
    this.#made ??= this.#make()
    try {
      return await ask(await this.#made)
    } catch (error) {
      this.#made = undefined
      throw error
    }
  }

  async #make(): Promise<Resolver> {
    const settings = settingsOf(this.#dns, parseResolvConf(await readResolvConf()))
    return new Resolver(new DnsClient(settings, this.#clock), settings, this.#clock)
  }
}

/** Without the file the C libraries ask a server on this machine. */
async function readResolvConf(): Promise<string> {
  try {
    return await readFile(RESOLV_CONF, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return ''
    throw error
  }
}

function settingsOf(dns: DnsConfig, machine: ResolverSettings): ResolverSettings {
  return {
    servers: dns.servers ?? machine.servers,
    search: dns.search ?? machine.search,
    ndots: dns.ndots ?? machine.ndots,
    timeoutMs: dns.timeoutMs ?? machine.timeoutMs,
    attempts: dns.attempts ?? machine.attempts,
  }
}
