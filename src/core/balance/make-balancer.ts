import type { Balance } from '../config/config.js'
import type { Balancer } from './balancer.js'
import { ConsistentHash } from './consistent-hash.js'
import { LeastConnections } from './least-connections.js'
import { LeastRequests } from './least-requests.js'
import { PowerOfTwo } from './power-of-two.js'
import { Random } from './random.js'
import { RoundRobin } from './round-robin.js'

/** `random` gives numbers from 0 to below 1; `now` is the clock's. */
export function makeBalancer(balance: Balance, random: () => number, now: () => number): Balancer {
  switch (balance) {
    case 'round-robin':
      return new RoundRobin()
    case 'least-connections':
      return new LeastConnections()
    case 'least-requests':
      return new LeastRequests()
    case 'random':
      return new Random(random)
    case 'peak-ewma':
      return new PowerOfTwo(random, now)
    case 'consistent-hash':
      return new ConsistentHash(random)
  }
}
