import { expect, test } from 'vitest'
import { SnifferPlan } from '../../src/core/detection.js'
import { type Segment, sniffRecording } from '../../src/core/sniff-recording.js'
import { builtInSniffers } from '../../src/plugins/built-in-sniffers.js'
import { runChain } from '../../src/testing/run-chain.js'

const plan = new SnifferPlan(builtInSniffers, (_, error) => expect.unreachable(String(error)))
const WINDOW_BYTES = 16 * 1024

test.each([
  ['nothing', '', '', 'ended'],
  ['half a word of the client', 'GE', '', 'ended'],
  ['half a word of the server', '', 'SSH', 'ended'],
  ['half a word of each', 'GE', 'SSH', 'ended'],
  ['what no sniffer knows of a client', '\0\0\0\0\0', '', 'unknown'],
  ['what no sniffer knows of a server', '', '\0\0\0\0\0', 'unknown'],
  ['what no sniffer knows, and half a word', '\0\0\0\0\0', 'SSH', 'unknown'],
  ['half a word, and what no sniffer knows', 'GE', '\0\0\0\0\0', 'unknown'],
  ['a request', 'GET / HTTP/1.1\r\n', '', 'detected'],
  ['a greeting', '', 'SSH-2.0-x\r\n', 'detected'],
  ['a request line of which no end is seen', `GET /${'a'.repeat(20_000)}`, '', 'detected'],
  ['a window in which nothing is certain', `get /${'a'.repeat(20_000)}`, '', 'unknown'],
] as const)('a connection comes to what its recording comes to: %s', async (_what, client, server, outcome) => {
  const segments: Segment[] = [
    ...(client === '' ? [] : [{ from: 'client' as const, data: Buffer.from(client, 'latin1') }]),
    ...(server === '' ? [] : [{ from: 'server' as const, data: Buffer.from(server, 'latin1') }]),
  ]
  const recorded = sniffRecording(plan, segments, WINDOW_BYTES)
  expect(recorded.outcome).toBe(outcome)
  const { summary } = await runChain({ filters: ['detect'], client, server })
  const { outcome: lived, protocol, decidedBy, facts, detection, spokeFirst } = summary
  expect({ outcome: lived, protocol, decidedBy, facts, bytes: detection?.bytes, spokeFirst }).toEqual({
    protocol: undefined,
    decidedBy: undefined,
    spokeFirst: undefined,
    ...recorded,
  })
})
