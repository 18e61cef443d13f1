import { describe, expect, test } from 'vitest'
import { makeProcessLog } from '../../src/cli/process-log.js'

function written(): { text: string; write(text: string): void } {
  return {
    text: '',
    write(text) {
      this.text += text
    },
  }
}

describe('the log of the process', () => {
  test('writes JSON lines with the name of the level, the time and nothing of the machine', () => {
    const output = written()
    makeProcessLog(output, 'json', 'info').warn({ listener: 'web' }, 'careful')
    const record = JSON.parse(output.text) as { time: string }
    expect(record).toEqual({ level: 'warn', time: expect.any(String) as string, listener: 'web', msg: 'careful' })
    expect(new Date(record.time).toISOString()).toBe(record.time)
  })

  test('writes lines for people: fields after the message, a stack below, control characters escaped', () => {
    const output = written()
    const log = makeProcessLog(output, 'pretty', 'info')
    log.debug({}, 'not asked for')
    log.info({ listener: 'web', facts: { a: 1 }, odd: 'a\x1b b' }, 'listening')
    log.error({ err: new Error('broken') }, 'a bug')
    const [first, second, third, fourth] = output.text.split('\n')
    expect(first).toMatch(
      /^\d\d:\d\d:\d\d\.\d{3} {2}info {3}listening {2}listener=web {2}facts=\{"a":1\} {2}odd="a\\u001b b"$/,
    )
    expect(second).toMatch(/ {2}error {2}a bug$/)
    expect(third).toBe('    Error: broken')
    expect(fourth).toMatch(/^ {4}at /)
  })
})
