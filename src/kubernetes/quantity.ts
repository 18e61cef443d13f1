/** Kubernetes' quantities without a sign: a number, and a decimal or binary suffix or an exponent (apimachinery, resource.Quantity). */
const QUANTITY = /^(\d+(?:\.\d*)?|\.\d+)(?:([numkMGTPE]|[KMGTPE]i)|[eE]([+-]?\d+))?$/

const DECIMAL = ['n', 'u', 'm', '', 'k', 'M', 'G', 'T', 'P', 'E']
const BINARY = ['', 'Ki', 'Mi', 'Gi', 'Ti', 'Pi', 'Ei']

/** An amount of a resource as it is written: `100m` of a CPU, `64Mi` of memory. Throws a RangeError where it is none. */
export function parseQuantity(text: string): string {
  if (!QUANTITY.test(text)) throw new RangeError(`expected a quantity such as 100m or 64Mi, got "${text}"`)
  return text
}

/** What a quantity amounts to, near enough to compare two. */
export function amountOf(quantity: string): number {
  const [, number = '', suffix = '', exponent = '0'] = QUANTITY.exec(quantity)!
  if (suffix.endsWith('i')) return Number(number) * 1024 ** BINARY.indexOf(suffix)
  return Number(number) * 1000 ** (DECIMAL.indexOf(suffix) - DECIMAL.indexOf('')) * 10 ** Number(exponent)
}
