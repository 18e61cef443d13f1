import { expect, test } from 'vitest'
import { RequestHub } from '../../src/http/request-hub.js'
import type { RequestRecord } from '../../src/http/request-record.js'

const record = (target: string): RequestRecord => ({ target }) as RequestRecord

test('a listener costs nothing before somebody wants its requests, nor afterwards', () => {
  const hub = new RequestHub()
  const [a, b] = [hub.channel('a'), hub.channel('b')]
  expect(a.isWanted).toBe(false)
  const stop = hub.subscribe(() => {}, 'a')
  expect([a.isWanted, b.isWanted]).toEqual([true, false])
  stop()
  expect(a.isWanted).toBe(false)
})

test('tells of one listener or of all, also of those that come later', () => {
  const hub = new RequestHub()
  const a = hub.channel('a')
  const heard: string[] = []
  const stopAll = hub.subscribe(({ target }) => heard.push(`all ${target}`))
  const stopA = hub.subscribe(({ target }) => heard.push(`a ${target}`), 'a')
  const late = hub.channel('late')
  a.publish(record('1'))
  late.publish(record('2'))
  expect(heard).toEqual(['all 1', 'a 1', 'all 2'])
  stopAll()
  a.publish(record('3'))
  late.publish(record('4'))
  expect(heard.slice(3)).toEqual(['a 3'])
  stopA()
  expect([a.isWanted, late.isWanted]).toEqual([false, false])
})

test('the same function may be there twice, and each goes by itself', () => {
  const hub = new RequestHub()
  let count = 0
  const receive = (): void => void count++
  const [stop] = [hub.subscribe(receive), hub.subscribe(receive)]
  hub.channel('a').publish(record('1'))
  stop()
  stop()
  hub.channel('a').publish(record('2'))
  expect(count).toBe(3)
})
