import { describe, expect, test } from 'vitest'
import { Detection, SnifferPlan } from '../../src/core/detection.js'
import { chooseSniffers } from '../../src/core/sniffer-choice.js'
import { ssh } from '../../src/plugins/ssh.js'
import { tls } from '../../src/plugins/tls.js'
import { latin1 } from '../plugins/describe-sniffer.js'

function nameOf(maxBytes: number, input: string, cuts: readonly number[]): string | undefined {
  const sniffers = chooseSniffers([tls, ssh], { maxBytes: new Map([['ssh', maxBytes]]) })
  const detection = new Detection(new SnifferPlan(sniffers, () => {}))
  for (const at of [...cuts, input.length]) detection.look('client', latin1(input).subarray(0, at))
  return detection.protocol
}

describe('a budget of bytes', () => {
  test.each([
    [8, 'ssh'],
    [7, undefined],
    [1, undefined],
  ])('of %i says the same however the bytes arrive', (maxBytes, name) => {
    const line = 'SSH-2.0-OpenSSH_9.6\r\n'
    expect(nameOf(maxBytes, line, [])).toBe(name)
    for (let at = 1; at < line.length; at++) expect(nameOf(maxBytes, line, [at]), `cut at ${at}`).toBe(name)
    expect(
      nameOf(
        maxBytes,
        line,
        Array.from(line, (_, at) => at + 1),
      ),
    ).toBe(name)
  })

  test('does not bound the facts of a name that came in time', () => {
    const [bounded] = chooseSniffers([ssh], { maxBytes: new Map([['ssh', 8]]) })
    expect(bounded!.client!(latin1('SSH-2.0-x'), 8)).toBe('sure')
    expect(bounded!.client!(latin1('SSH-2.0-x\r\n'), 9)).toEqual({ facts: { software: 'x' } })
    expect(bounded!.server!(latin1('SSH-2.0-x\r\n'))).toEqual({ facts: { software: 'x' } })
  })

  test('leaves the others, and one that is above its own, as they are', () => {
    expect(chooseSniffers([tls, ssh], { maxBytes: new Map([['ssh', 9]]) })).toEqual([tls, ssh])
    expect(chooseSniffers([tls, ssh], { disabled: ['tls'] })).toEqual([ssh])
    expect(chooseSniffers([tls, ssh], { protocols: ['tls'] })).toEqual([tls])
  })
})
