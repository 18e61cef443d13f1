import type { Answer, DecodedPacket, SrvAnswer, StringAnswer } from 'dns-packet'
import type { Clock } from '../core/clock.js'
import { type DnsClient, DnsFailure, type RecordType } from './dns-client.js'
import { candidates, type ResolverSettings } from './resolv-conf.js'

/** What a name has: data, or none and for how long that may be believed. Data of one type. */
export interface Found<T> {
  readonly data: readonly T[]
  /** The smallest of those on the way: the records' own, and of the aliases that led to them. */
  readonly ttlMs: number
  /** Addresses that the server has sent along, by name in small letters: for the targets of SRV records. */
  readonly alongside: ReadonlyMap<string, readonly string[]>
  /** Of addresses: the family that could not be asked for, where the other one has some. */
  readonly unasked?: 4 | 6
}

/** An SRV record, RFC 2782. */
export interface Service {
  readonly priority: number
  readonly weight: number
  readonly port: number
  /** In small letters, without the dot at the end; empty: the service is decidedly not there. */
  readonly target: string
}

/** A chain of aliases longer than this is a circle, or might as well be: BIND's bound. */
const MAX_ALIASES = 16
/** For an answer that there is none, from a server that does not say how long that holds: it is asked again soon. */
const UNSAID_NEGATIVE_TTL_MS = 5_000
/** RFC 2308 section 5 allows hours; a name that has come is not to be missed for so long. */
const MAX_NEGATIVE_TTL_MS = 60_000

/** Finds the records of names as the machine's resolv.conf says, with the time that the answer itself gives them. */
export class Resolver {
  readonly #client: DnsClient
  readonly #settings: Pick<ResolverSettings, 'search' | 'ndots'>
  readonly #clock: Clock
  /** Names of search lists that have no such records, and until when that holds: as many as there are names and domains. */
  readonly #noneUntil = new Map<string, number>()

  constructor(client: DnsClient, settings: Pick<ResolverSettings, 'search' | 'ndots'>, clock: Clock) {
    this.#client = client
    this.#settings = settings
    this.#clock = clock
  }

  /**
   * Addresses of both families, of the first name on the search list that has any. A family that could not be asked for has
   * failed; where the other has addresses they are what there is, so that a server without AAAA keeps nobody from IPv4.
   */
  async addresses(name: string, signal: AbortSignal): Promise<Found<string>> {
    return await this.#search(name, 'A', (candidate) => this.#bothFamilies(candidate, signal))
  }

  async services(name: string, signal: AbortSignal): Promise<Found<Service>> {
    return await this.#search(name, 'SRV', (candidate) => this.#records(candidate, 'SRV', readService, signal))
  }

  /**
   * A failure ends the search, as in musl: who goes on could take an outage for another name's answer. That a name of the list has
   * nothing is believed for as long as its answer says, so that a pod's five questions are one most of the time (RFC 2308).
   */
  async #search<T>(name: string, type: RecordType, ask: (candidate: string) => Promise<Found<T>>): Promise<Found<T>> {
    let ttlMs = Infinity
    for (const candidate of candidates(name, this.#settings)) {
      const key = `${candidate} ${type}`
      const leftMs = (this.#noneUntil.get(key) ?? 0) - this.#clock.now()
      if (leftMs > 0) {
        ttlMs = Math.min(ttlMs, leftMs)
        continue
      }
      const found = await ask(candidate)
      if (found.data.length > 0) return found
      const negativeMs = Math.min(found.ttlMs, MAX_NEGATIVE_TTL_MS)
      if (!name.endsWith('.')) this.#noneUntil.set(key, this.#clock.now() + negativeMs)
      ttlMs = Math.min(ttlMs, negativeMs)
    }
    return { data: [], ttlMs, alongside: new Map() }
  }

  async #bothFamilies(name: string, signal: AbortSignal): Promise<Found<string>> {
    const settled = await Promise.allSettled([
      this.#records(name, 'A', readAddress, signal),
      this.#records(name, 'AAAA', readAddress, signal),
    ])
    const found = settled.flatMap((each) => (each.status === 'fulfilled' ? [each.value] : []))
    const failed = settled.findIndex((each) => each.status === 'rejected')
    const data = found.flatMap((each) => each.data)
    if (failed >= 0 && data.length === 0) throw (settled[failed] as PromiseRejectedResult).reason as Error
    // An answer without data says nothing about how long the other's addresses hold.
    const telling = data.length > 0 ? found.filter((each) => each.data.length > 0) : found
    const ttlMs = Math.min(...telling.map((each) => each.ttlMs))
    return { data, ttlMs, alongside: new Map(), ...(failed >= 0 && { unasked: failed === 0 ? 4 : 6 }) }
  }

  async #records<T>(
    name: string,
    type: RecordType,
    read: (answer: Answer) => T,
    signal: AbortSignal,
  ): Promise<Found<T>> {
    let owner = canonical(name)
    let ttlS = Infinity
    for (let aliases = 0; aliases <= MAX_ALIASES;) {
      const packet = await this.#client.ask(owner, type, signal)
      const answers = packet.answers ?? []
      const asked = owner
      for (let alias = aliasOf(answers, owner); alias && aliases <= MAX_ALIASES; alias = aliasOf(answers, owner)) {
        aliases++
        owner = canonical(alias.data)
        ttlS = Math.min(ttlS, alias.ttl ?? 0)
      }
      const own = answers.filter((answer) => answer.type === type && canonical(answer.name) === owner)
      if (own.length > 0) {
        const given = type === 'SRV' ? (packet.additionals ?? []).filter(isAddress) : []
        ttlS = Math.min(ttlS, ...[...own, ...given].map((answer) => ('ttl' in answer ? (answer.ttl ?? 0) : 0)))
        return { data: own.map(read), ttlMs: ttlS * 1_000, alongside: alongside(given) }
      }
      // The alias leads out of this answer: its target is a question of its own.
      if (owner === asked || isNoSuchName(packet))
        return { data: [], ttlMs: Math.min(ttlS * 1_000, negativeTtlMs(packet)), alongside: new Map() }
    }
    throw new DnsFailure(`${name} has more than ${MAX_ALIASES} aliases one behind the other`)
  }
}

function isNoSuchName(packet: DecodedPacket): boolean {
  return (packet as { rcode?: string }).rcode === 'NXDOMAIN'
}

function aliasOf(answers: readonly Answer[], owner: string): StringAnswer | undefined {
  return answers.find((each): each is StringAnswer => each.type === 'CNAME' && canonical(each.name) === owner)
}

/** RFC 2308 section 5: the smaller of the SOA record's own TTL and its MINIMUM field. */
function negativeTtlMs({ authorities = [] }: DecodedPacket): number {
  for (const authority of authorities) {
    if (authority.type === 'SOA') return Math.min(authority.ttl ?? 0, authority.data.minimum ?? 0) * 1_000
  }
  return UNSAID_NEGATIVE_TTL_MS
}

function isAddress(answer: Answer): answer is StringAnswer {
  return answer.type === 'A' || answer.type === 'AAAA'
}

function alongside(given: readonly StringAnswer[]): Map<string, string[]> {
  const addresses = new Map<string, string[]>()
  for (const { name, data } of given) {
    addresses.set(canonical(name), [...(addresses.get(canonical(name)) ?? []), data])
  }
  return addresses
}

const readAddress = (answer: Answer): string => (answer as StringAnswer).data

function readService(answer: Answer): Service {
  const { priority = 0, weight = 0, port, target } = (answer as SrvAnswer).data
  return { priority, weight, port, target: canonical(target) }
}

/** Names differ in neither case nor the dot at the end. */
function canonical(name: string): string {
  return name.toLowerCase().replace(/\.$/, '')
}
