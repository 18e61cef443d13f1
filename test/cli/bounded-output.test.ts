import { describe, expect, test } from 'vitest'
import { BoundedOutput } from '../../src/cli/bounded-output.js'

describe('BoundedOutput', () => {
  test('drops lines while a reader is too slow, and says how many once it reads again', () => {
    const lines: string[] = []
    const stream = {
      writableLength: 0,
      write(text: string) {
        lines.push(text)
        return true
      },
    }
    const output = new BoundedOutput(stream, (count) => `dropped ${count}\n`, 10)
    stream.writableLength = 10
    output.write('kept\n')
    stream.writableLength = 11
    output.write('lost\n')
    output.write('lost too\n')
    stream.writableLength = 0
    output.write('again\n')
    output.write('and again\n')
    expect(lines).toEqual(['kept\n', 'dropped 2\n', 'again\n', 'and again\n'])
  })
})
