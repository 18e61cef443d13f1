import { describe, expect, test } from 'vitest'
import { FLOW_BOUNDS, type FlowBounds } from '../../src/captures/tcp-flows.js'
import { pcapFile, recorded } from '../support/captures/capture-files.js'
import {
  ACK,
  Conversation,
  type ConversationOptions,
  type Sent,
  SYN,
  tcpBytes,
} from '../support/captures/conversation.js'
import { ipv4 } from '../support/captures/ip-packets.js'
import { type ReadCapture, readFlows } from '../support/captures/read-flows.js'

/** Segments with the conversation that they belong to, which says their ports. */
type Packet = readonly [Conversation, Sent]

function of(talk: Conversation, ...segments: readonly Sent[]): Packet[] {
  return segments.map((sent) => [talk, sent])
}

function read(packets: readonly Packet[], bounds: Partial<FlowBounds> = {}, snapLength?: number): ReadCapture {
  const frames = packets.map(([talk, sent]) => {
    const [source, destination] = sent.from === 'client' ? ['10.0.0.1', '10.0.0.2'] : ['10.0.0.2', '10.0.0.1']
    return ipv4(source, destination, tcpBytes(talk, sent))
  })
  return readFlows(pcapFile(recorded(frames, snapLength), { linkType: 101 }), 1000, { ...FLOW_BOUNDS, ...bounds })
}

function talkOf(options: ConversationOptions = {}): Conversation {
  return new Conversation({ clientPort: 40_000, serverPort: 8080, ...options })
}

function portsOf({ flows }: ReadCapture): [client: number, server: number, beginning: string][] {
  return flows.map(({ flow }) => [flow.client.port, flow.server.port, flow.beginning])
}

describe('who is the client', () => {
  // A client whose port is the lower one, so that the ports alone would say otherwise.
  const odd = { clientPort: 1024, serverPort: 50_000 }

  test('is said by the SYN', () => {
    const talk = talkOf(odd)
    expect(portsOf(read(of(talk, ...talk.open())))).toEqual([[1024, 50_000, 'syn']])
  })

  test('is said by the SYN-ACK, where the SYN is missing', () => {
    const talk = talkOf(odd)
    expect(portsOf(read(of(talk, ...talk.open().slice(1))))).toEqual([[1024, 50_000, 'syn-ack']])
  })

  test('is the higher port in mid-connection, whoever is seen first', () => {
    const talk = talkOf()
    talk.open()
    expect(portsOf(read(of(talk, talk.say('server', 'a'))))).toEqual([[40_000, 8080, 'mid-connection']])
    expect(portsOf(read(of(talk, talk.say('client', 'a'))))).toEqual([[40_000, 8080, 'mid-connection']])
  })

  test('is the first sender in mid-connection between two equal ports', () => {
    const talk = talkOf({ clientPort: 179, serverPort: 179 })
    const { flows } = read(of(talk, talk.say('server', 'a'), talk.say('client', 'b')))
    expect(flows[0]!.flow.client.address).toEqual(Uint8Array.of(10, 0, 0, 2))
    expect([flows[0]!.bytes.client.toString(), flows[0]!.bytes.server.toString()]).toEqual(['a', 'b'])
  })
})

describe('a flow', () => {
  test('ends with the FINs of both, not of one', () => {
    const talk = talkOf()
    const opening = talk.open()
    const first = talk.fin('client')
    expect(read(of(talk, ...opening, first)).flows[0]!.flow.closing).toBe('open')
    expect(read(of(talk, ...opening, first, talk.fin('server'))).flows[0]!.flow.closing).toBe('closed')
  })

  test('is not over while bytes before its FIN are missing', () => {
    const talk = talkOf()
    const opening = talk.open()
    const lost = talk.say('client', 'lost')
    const fins = [talk.fin('client'), { ...talk.fin('server'), acknowledgment: 0 }]
    expect(read(of(talk, ...opening, ...fins)).flows[0]!.flow.closing).toBe('open')
    expect(read(of(talk, ...opening, ...fins, lost)).flows[0]!.flow.closing).toBe('closed')
  })

  test('ends with a reset', () => {
    const talk = talkOf()
    expect(read(of(talk, ...talk.open(), talk.reset('server'))).flows[0]!.flow.closing).toBe('reset')
  })

  test('is another one with a SYN-ACK that begins elsewhere, where its SYN is missing', () => {
    const [first, second] = [talkOf(), talkOf({ clientStart: 5_000_000, serverStart: 6_000_000 })]
    const { flows } = read([
      ...of(first, ...first.open(), first.say('client', 'one')),
      ...of(second, ...second.open().slice(1), second.say('client', 'two')),
    ])
    expect(flows.map(({ bytes, end }) => [bytes.client.toString(), end])).toEqual([
      ['one', 'ports-reused'],
      ['two', 'capture-ended'],
    ])
  })

  test('counts its packets, and knows when they came', () => {
    const talk = talkOf()
    const { flow } = read(of(talk, ...talk.open(), talk.say('client', 'x'))).flows[0]!
    expect(flow.packetCount).toBe(4)
    expect(flow.lastAt.nanoseconds - flow.firstAt.nanoseconds).toBe(3_000_000)
  })
})

describe('what the capture does not have', () => {
  test('is a gap once the other side has acknowledged what comes after it', () => {
    const talk = talkOf()
    const opening = talk.open()
    const [a, , c] = [talk.say('client', 'aa'), talk.say('client', 'bbbb'), talk.say('client', 'cc')]
    const held = read(of(talk, ...opening, a, c)).flows[0]!
    expect(held.events).toEqual([
      { side: 'client', bytes: 2 },
      { side: 'client', bytes: 4, gap: 'not-captured' }, // said when the capture is over
    ])
    expect(read(of(talk, ...opening, a, c, talk.ack('server'))).flows[0]!.events).toEqual([
      { side: 'client', bytes: 2 },
      { side: 'client', bytes: 4, gap: 'not-captured' },
      { side: 'client', bytes: 2 },
    ])
  })

  test('is a gap where the snap length has cut a packet, also one that had to wait', () => {
    const talk = talkOf()
    const opening = talk.open()
    const [a, b] = [talk.say('client', 'a'.repeat(30)), talk.say('client', 'b'.repeat(50))]
    const events = [
      { side: 'client', bytes: 20 },
      { side: 'client', bytes: 10, gap: 'cut' },
      { side: 'client', bytes: 20 },
      { side: 'client', bytes: 30, gap: 'cut' },
    ]
    expect(read(of(talk, ...opening, a, b), {}, 60).flows[0]!.events).toEqual(events)
    expect(read(of(talk, ...opening, b, a), {}, 60).flows[0]!.events).toEqual(events)
  })
})

describe('the bounds', () => {
  test('let go of the flow that was silent longest, and say so', () => {
    const talks = [1, 2, 3, 4].map((index) => talkOf({ clientPort: 40_000 + index }))
    const packets = talks.map((talk) => of(talk, talk.syn()))
    const [first, second] = talks
    const { flows } = read(
      [
        ...packets[0]!,
        ...packets[1]!,
        ...of(first!, first!.synAck()),
        ...packets[2]!,
        ...packets[3]!,
        ...of(second!, second!.synAck()),
      ],
      { maxFlows: 2 },
    )
    // The second one was silent longest; its SYN-ACK begins it anew.
    expect(flows.map(({ flow, end }) => [flow.client.port, end])).toEqual([
      [40_001, 'too-many'],
      [40_002, 'too-many'],
      [40_003, 'too-many'],
      [40_004, 'capture-ended'],
      [40_002, 'capture-ended'],
    ])
  })

  test.for([
    ['of a side', { maxHeldBytesPerSide: 4096 }],
    ['of all flows', { maxHeldBytes: 4096 }],
  ] as const)('on bytes that wait behind a hole, %s, take the hole for a gap', ([_which, bounds]) => {
    const talk = talkOf()
    const opening = talk.open()
    talk.say('client', 'lost!')
    const waiting = talk.sayInPieces('client', 'x'.repeat(5000), 1000)
    const { flows } = read(of(talk, ...opening, ...waiting), bounds)
    expect(flows[0]!.events[0]).toEqual({ side: 'client', bytes: 5, gap: 'too-far-ahead' })
    expect(flows[0]!.bytes.client.toString()).toBe('x'.repeat(5000))
  })

  test('count a small waiting segment as a kibibyte, so that their number is bounded too', () => {
    const talk = talkOf()
    const opening = talk.open()
    talk.say('client', 'lost!')
    const waiting = talk.sayInPieces('client', 'x'.repeat(5), 1)
    const { flows } = read(of(talk, ...opening, ...waiting), { maxHeldBytesPerSide: 4096 })
    expect(flows[0]!.events[0]).toEqual({ side: 'client', bytes: 5, gap: 'too-far-ahead' })
  })
})

test('a segment of an old connection far behind is dropped', () => {
  const talk = talkOf({ clientStart: 3_000_000_000 })
  const old: Sent = {
    from: 'client',
    sequence: 1_500_000_000,
    acknowledgment: 0,
    flags: ACK,
    payload: Uint8Array.of(1),
  }
  const { flows } = read(of(talk, ...talk.open(), old, talk.say('client', 'new')))
  expect(flows[0]!.bytes.client.toString()).toBe('new')
})

test('a SYN with other flags is a SYN', () => {
  const talk = talkOf()
  const syn = { ...talk.syn(), flags: SYN | 0xc0 } // RFC 3168 section 6.1.1: with ECE and CWR
  expect(portsOf(read(of(talk, syn)))).toEqual([[40_000, 8080, 'syn']])
})
