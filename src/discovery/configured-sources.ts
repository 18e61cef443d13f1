import { readFile } from 'node:fs/promises'
import type { Clock } from '../core/clock.js'
import type { BuiltInSourceConfig, DnsConfig } from '../core/config/config.js'
import type { EndpointSource, EndpointSources } from '../core/endpoint-source.js'
import type { Log } from '../core/log.js'
import { DnsClient } from './dns-client.js'
import { DnsSource } from './dns-source.js'
import { FileSource } from './file-source.js'
import { parseResolvConf, type ResolverSettings } from './resolv-conf.js'
import { Resolver } from './resolver.js'

const RESOLV_CONF = '/etc/resolv.conf'

/** Makes the sources that the YAML can name without a plugin. */
export class ConfiguredSources implements EndpointSources {
  readonly #clock: Clock
  readonly #log: Log
  readonly #resolvConf: string

  constructor(clock: Clock, log: Log, resolvConf = RESOLV_CONF) {
    this.#clock = clock
    this.#log = log
    this.#resolvConf = resolvConf
  }

  make(source: BuiltInSourceConfig, dns: DnsConfig): EndpointSource {
    const environment = { clock: this.#clock, log: this.#log, random: Math.random }
    if (source.kind === 'file') return new FileSource(source, environment)
    const resolver = new LateResolver(dns, this.#clock, this.#resolvConf)
    return new DnsSource(source, dns, { ...environment, resolver })
  }
}

/** A resolver of what resolv.conf says when it is asked: the file is small, and its writer tells nobody that it has changed. */
class LateResolver implements Pick<Resolver, 'addresses' | 'services'> {
  readonly #dns: DnsConfig
  readonly #clock: Clock
  readonly #path: string
  #text: string | undefined
  #resolver: Resolver | undefined

  constructor(dns: DnsConfig, clock: Clock, path: string) {
    this.#dns = dns
    this.#clock = clock
    this.#path = path
  }

  async addresses(name: string, signal: AbortSignal): ReturnType<Resolver['addresses']> {
    return await (await this.#current()).addresses(name, signal)
  }

  async services(name: string, signal: AbortSignal): ReturnType<Resolver['services']> {
    return await (await this.#current()).services(name, signal)
  }

  async #current(): Promise<Resolver> {
    const text = await readResolvConf(this.#path)
    if (this.#resolver !== undefined && text === this.#text) return this.#resolver
    const settings = settingsOf(this.#dns, parseResolvConf(text))
    this.#text = text
    this.#resolver = new Resolver(new DnsClient(settings, this.#clock), settings, this.#clock)
    return this.#resolver
  }
}

/** Without the file the C libraries ask a server on this machine. */
async function readResolvConf(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8')
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
