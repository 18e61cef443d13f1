/** A replacer for `JSON.stringify`: only times have fractions, and a microsecond is as exact as they get. */
export function roundFractions(_name: string, value: unknown): unknown {
  return typeof value === 'number' ? Math.round(value * 1000) / 1000 : value
}
