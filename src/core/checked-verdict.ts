import type { Sniff } from './sniffer.js'

/**
 * A sniffer's answer, where it is a verdict; `undefined` stands for the side that it does not listen to. Types do not reach a plugin
 * in JavaScript: anything else is a TypeError, so that it costs the sniffer its vote and not the filters that read the facts.
 */
export function checkedVerdict(answer: unknown): Sniff {
  switch (answer) {
    case undefined:
      return 'no-match'
    case 'need-more':
    case 'no-match':
    case 'sure':
    case 'match':
      return answer
    default:
      return matchWithFacts(answer)
  }
}

function matchWithFacts(answer: unknown): Sniff {
  const facts = typeof answer === 'object' && answer !== null && 'facts' in answer ? answer.facts : undefined
  if (typeof facts !== 'object' || facts === null)
    throw new TypeError(`a sniffer answered with ${kindOf(answer)}, which is no verdict`)
  for (const [name, value] of Object.entries(facts))
    if (!isFact(value)) throw new TypeError(`the fact "${name}" is ${kindOf(value)}`)
  return answer as Sniff
}

function isFact(value: unknown): boolean {
  if (Array.isArray(value)) return value.every((item) => typeof item === 'string')
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function kindOf(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value)
  return value === null ? 'null' : `a value of type ${typeof value}`
}
