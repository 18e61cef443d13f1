import { openSync, closeSync } from 'node:fs'
import { createServer, type Server } from 'node:net'
import { once } from 'node:events'
import { describe, expect, onTestFinished, test } from 'vitest'
import { inheritedDescriptors } from '../../src/core/inherited-sockets.js'

const PID = 4711
const environment = { LISTEN_PID: String(PID), LISTEN_FDS: '3', LISTEN_FDNAMES: 'web:admin:web' }

/** The message of the error that it has to throw. */
function problem(call: () => unknown): string {
  try {
    call()
  } catch (error) {
    expect(error).toMatchObject({ code: 'SLUICE_NO_INHERITED_SOCKET' })
    return (error as Error).message
  }
  throw new Error('it did not throw')
}

describe('inheritedDescriptors', () => {
  test('counts from 3, in the order of the names; several sockets may have one name', () => {
    expect(inheritedDescriptors('4', environment, PID)).toEqual([4])
    expect(inheritedDescriptors('admin', environment, PID)).toEqual([4])
    expect(inheritedDescriptors('web', environment, PID)).toEqual([3, 5])
  })

  test('sockets without names are called unknown, as systemd has it', () => {
    expect(inheritedDescriptors('unknown', { LISTEN_PID: '1', LISTEN_FDS: '2' }, 1)).toEqual([3, 4])
  })

  test('says what was passed in where the name is another', () => {
    expect(problem(() => inheritedDescriptors('wbe', environment, PID))).toBe(
      'no socket was passed in under the name "wbe"; there are fd:3 ("web"), fd:4 ("admin"), fd:5 ("web")',
    )
  })

  test.each([
    ['for another process', { ...environment, LISTEN_PID: '1' }],
    ['without a process', { LISTEN_FDS: '3' }],
    ['that are no number', { ...environment, LISTEN_FDS: 'three' }],
    ['of nobody', {}],
  ])('takes no variables %s', (_, variables) => {
    expect(problem(() => inheritedDescriptors('web', variables, PID))).toMatch(
      /LISTEN_FDS .* names none for this process$/,
    )
  })

  test('takes a listening socket of a parent that sets no variables, and nothing else that is open', async () => {
    const server = createServer().listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await once(server, 'listening')
    const descriptor = (server as Server & { _handle: { fd: number } })._handle.fd
    expect(inheritedDescriptors(String(descriptor), {})).toEqual([descriptor])
    const file = openSync('/dev/null', 'r')
    onTestFinished(() => closeSync(file))
    for (const other of [file, 60_000]) {
      expect(problem(() => inheritedDescriptors(String(other), {}))).toMatch(
        `no listening socket was passed in as descriptor ${other}`,
      )
    }
  })
})
