import { seededRandom } from '../seeded-random.js'
import { pcapFile, PcapngBlocks, recorded, type Recorded } from './capture-files.js'
import { Conversation, type ConversationOptions, RST, type Sent, tcpBytes } from './conversation.js'
import { ethernet, ethernetSnap, type Frame, linuxCooked, linuxCooked2, loopback, raw } from './frames.js'
import {
  AUTHENTICATION,
  DESTINATION_OPTIONS,
  fragmentHeader,
  HOP_BY_HOP,
  ipv4,
  ipv4Fragments,
  type Ipv4Options,
  ipv6,
  ipv6Fragments,
  type Extension,
  ROUTING,
} from './ip-packets.js'
import { bytesOf, hex } from './numbers.js'

/** A capture that was made up, and how many flows are in it. */
export interface SampleCapture {
  readonly title: string
  readonly file: Uint8Array
  readonly flows: number
  /** What is missing is meant to be: where tshark and we do not take the same way out, only what comes before it is compared. */
  readonly isCut?: boolean
}

const REQUEST = 'GET /orders?id=7 HTTP/1.1\r\nHost: shop.example\r\nUser-Agent: sample\r\n\r\n'
const RESPONSE = `HTTP/1.1 200 OK\r\nContent-Length: 600\r\n\r\n${'0123456789'.repeat(60)}`

const V4 = { client: '10.1.2.3', server: '10.0.0.9' }
const V6 = { client: 'fd00::3', server: 'fd00:1:2::9' }

type Wrap = (talk: Conversation, sent: Sent) => Uint8Array

function overIpv4(how: Ipv4Options = {}, ends = V4): Wrap {
  return (talk, sent) => {
    const [source, destination] = sent.from === 'client' ? [ends.client, ends.server] : [ends.server, ends.client]
    return ipv4(source, destination, tcpBytes(talk, sent), how)
  }
}

function overIpv6(extensions: readonly Extension[] = []): Wrap {
  return (talk, sent) => {
    const [source, destination] = sent.from === 'client' ? [V6.client, V6.server] : [V6.server, V6.client]
    return ipv6(source, destination, tcpBytes(talk, sent), extensions)
  }
}

/** A short conversation from SYN to FIN. */
function whole(talk = new Conversation()): Sent[] {
  return [
    ...talk.open(),
    talk.say('client', REQUEST),
    talk.ack('server'),
    ...talk.sayInPieces('server', RESPONSE, 100),
    talk.ack('client'),
    ...talk.close(),
  ]
}

function packets(segments: readonly Sent[], wrap = overIpv4(), talk = new Conversation()): Uint8Array[] {
  return segments.map((sent) => wrap(talk, sent))
}

function framed(ip: readonly Uint8Array[], frame: Frame = ethernet()): Recorded[] {
  return recorded(ip.map(frame))
}

function simple(segments: readonly Sent[], wrap?: Wrap): Uint8Array {
  return pcapFile(framed(packets(segments, wrap)))
}

/** The same conversation in another kind of file, link layer or IP packet. */
function conveyed(): SampleCapture[] {
  const one = (title: string, file: Uint8Array): SampleCapture => ({ title, file, flows: 1 })
  const v4 = packets(whole())
  const v6 = packets(whole(), overIpv6())
  const both = [...v4, ...v6]
  const two = (title: string, frame: Frame, linkType: number): SampleCapture => ({
    title,
    file: pcapFile(framed(both, frame), { linkType }),
    flows: 2,
  })
  return [
    one('pcap, little-endian, microseconds', pcapFile(framed(v4), { order: 'little' })),
    one('pcap, big-endian, microseconds', pcapFile(framed(v4), { order: 'big' })),
    one('pcap, little-endian, nanoseconds', pcapFile(framed(v4), { order: 'little', hasNanoseconds: true })),
    one('pcap, big-endian, nanoseconds', pcapFile(framed(v4), { order: 'big', hasNanoseconds: true })),
    two('Ethernet, IPv4 and IPv6', ethernet(), 1),
    two('Ethernet with an 802.1Q tag', ethernet(0x8100), 1),
    two('Ethernet with an 802.1ad and an 802.1Q tag', ethernet(0x88a8, 0x8100), 1),
    two('Ethernet with three stacked tags', ethernet(0x88a8, 0x8100, 0x8100), 1),
    two('Ethernet with LLC and SNAP', ethernetSnap, 1),
    two('Linux cooked', linuxCooked(), 113),
    two('Linux cooked with a VLAN tag', linuxCooked(0x8100), 113),
    two('Linux cooked, version 2', linuxCooked2(), 276),
    two('Linux cooked, version 2, with a VLAN tag', linuxCooked2(0x8100), 276),
    two('raw IP', raw, 101),
    two('null, written on a little-endian machine', loopback('little', 24), 0),
    two('null, written on a big-endian machine', loopback('big', 28), 0),
    two('null with the IPv6 of macOS', loopback('little', 30), 0),
    two('OpenBSD loopback', loopback('big', 24), 108),
    one('raw IPv4', pcapFile(framed(v4, raw), { linkType: 228 })),
    one('raw IPv6', pcapFile(framed(v6, raw), { linkType: 229 })),
    one('IPv4 with options', simple(whole(), overIpv4({ options: hex('94040000 01010101') }))),
    one(
      'IPv4 of segmentation offload: a total length of 0',
      simple([...new Conversation().open(), ...offloaded()], overIpv4({ totalLength: 0 })),
    ),
    ...[
      ['hop-by-hop options', [HOP_BY_HOP]],
      ['destination options', [DESTINATION_OPTIONS]],
      ['a routing header', [ROUTING]],
      ['an authentication header', [AUTHENTICATION]],
      ['an atomic fragment', [fragmentHeader(7, 0, false)]],
      ['all of them', [HOP_BY_HOP, DESTINATION_OPTIONS, ROUTING, AUTHENTICATION, DESTINATION_OPTIONS]],
    ].map(([title, extensions]) =>
      one(`IPv6 with ${title as string}`, simple(whole(), overIpv6(extensions as Extension[]))),
    ),
  ]
}

/** A request that no padding follows, whatever the link layer. */
function offloaded(): Sent[] {
  const talk = new Conversation()
  talk.open()
  return [talk.say('client', REQUEST), ...talk.sayInPieces('server', RESPONSE, 300)]
}

function fragmented(): SampleCapture[] {
  const talk = new Conversation()
  const opening = packets(talk.open())
  const opening6 = packets(new Conversation().open(), overIpv6())
  const request = tcpBytes(talk, talk.say('client', REQUEST))
  const response = tcpBytes(talk, talk.say('server', RESPONSE))
  const question = ipv4Fragments(V4.client, V4.server, request, 40, 77)
  const answer = ipv4Fragments(V4.server, V4.client, response, 128, 78)
  const shuffled = [...answer].reverse()
  const overlapped = [
    ipv4(V4.client, V4.server, request.subarray(0, 48), { id: 5, hasMore: true }),
    ipv4(V4.client, V4.server, bytesOf(request.subarray(40, 56)).fill(0x58), {
      id: 5,
      fragmentOffset: 40,
      hasMore: true,
    }),
    ipv4(V4.client, V4.server, request.subarray(48), { id: 5, fragmentOffset: 48 }),
  ]
  const question6 = ipv6Fragments(V6.client, V6.server, request, 40, 99)
  const answer6 = ipv6Fragments(V6.server, V6.client, response, 128, 100).reverse()
  const one = (title: string, ip: Uint8Array[]): SampleCapture => ({ title, file: pcapFile(framed(ip)), flows: 1 })
  return [
    one('IPv4 fragments', [...opening, ...question, ...answer]),
    one('IPv4 fragments, last one first', [...opening, ...question, ...shuffled]),
    one('IPv4 fragments that overlap', [...opening, ...overlapped, ...answer]),
    one('IPv4 fragments, one of them twice', [...opening, question[0]!, question[0]!, ...question.slice(1), ...answer]),
    one('IPv6 fragments, last one first', [...opening6, ...question6, ...answer6]),
    one('an IPv4 fragment that never comes', [...opening, question[0]!, ...question.slice(2), ...answer]),
  ]
}

function pcapng(): SampleCapture[] {
  const frames = framed(packets(whole()))
  const little = new PcapngBlocks('little')
  const big = new PcapngBlocks('big')
  const all = (blocks: PcapngBlocks, block: (frame: Recorded, index: number) => Uint8Array) =>
    bytesOf(blocks.section(), blocks.interface(1), ...frames.map(block))
  const second = packets(
    whole(new Conversation({ clientPort: 40_001 })),
    overIpv4(),
    new Conversation({ clientPort: 40_001 }),
  )
  const one = (title: string, file: Uint8Array): SampleCapture => ({ title, file, flows: 1 })
  const us = ({ timeNs = 0n }: Recorded): bigint => timeNs / 1000n
  const sections = bytesOf(
    all(big, (frame) => big.enhanced(0, frame, us(frame))),
    little.section(),
    little.interface(113, { snapLength: 65_535 }),
    little.interface(101, { resolution: 9 }),
    ...second.map((ip, index) =>
      index % 2 === 0
        ? little.enhanced(0, { frame: linuxCooked()(ip) }, 5n)
        : little.enhanced(1, { frame: ip }, 1_700_000_000_000_000_000n),
    ),
  )
  return [
    one(
      'pcapng, little-endian, enhanced packets',
      all(little, (frame) => little.enhanced(0, frame, us(frame))),
    ),
    one(
      'pcapng, big-endian, enhanced packets',
      all(big, (frame) => big.enhanced(0, frame, us(frame))),
    ),
    one(
      'pcapng, simple packets',
      all(little, (frame) => little.simple(frame)),
    ),
    one(
      'pcapng, obsolete packets, big-endian',
      all(big, (frame) => big.obsolete(0, frame, us(frame))),
    ),
    one(
      'pcapng, with blocks to pass over',
      all(little, (frame) =>
        bytesOf(
          little.block(5, new Uint8Array(16)),
          little.block(0x0bad, hex('01020304')),
          little.enhanced(0, frame, 1n),
        ),
      ),
    ),
    { title: 'pcapng, two sections of both byte orders, three interfaces, three link types', file: sections, flows: 2 },
    one(
      'pcapng, a binary resolution and an offset',
      bytesOf(
        little.section(),
        little.interface(1, { resolution: 0x80 | 20, offsetSeconds: 1_700_000_000n }),
        ...frames.map((frame, index) => little.enhanced(0, frame, BigInt(index) << 18n)),
      ),
    ),
  ]
}

/** What happens to segments on their way. */
function mixedUp(): SampleCapture[] {
  const talk = new Conversation()
  const opening = talk.open()
  const request = talk.sayInPieces('client', REQUEST, 10)
  const acked = talk.ack('server')
  const response = talk.sayInPieces('server', RESPONSE, 50)
  const closing = talk.close()
  const rest = [acked, ...response, ...closing]
  const one = (title: string, segments: readonly Sent[], isCut = false): SampleCapture => ({
    title,
    file: simple(segments),
    flows: 1,
    isCut,
  })
  const swap = <T>(list: readonly T[], a: number, b: number): T[] => {
    const copy = [...list]
    copy[a] = list[b]!
    copy[b] = list[a]!
    return copy
  }
  const other = (sent: Sent, fill: number): Sent => ({
    ...sent,
    payload: new Uint8Array(sent.payload.length).fill(fill),
  })
  const at = (sent: Sent, offset: number, payload: Uint8Array): Sent => ({
    ...sent,
    sequence: (sent.sequence + offset) >>> 0,
    payload,
  })
  const ones = new Uint8Array(25).fill(0x31)
  const twos = new Uint8Array(25).fill(0x32)
  const first = request[0]!
  const all = Uint8Array.from(Buffer.from(REQUEST))
  return [
    one('retransmissions', [...opening, ...request.flatMap((sent) => [sent, sent]), ...rest, ...response]),
    one('retransmissions with other bytes', [
      ...opening,
      ...request.flatMap((sent) => [sent, other(sent, 0x21)]),
      ...rest,
    ]),
    one('a retransmission that says more', [
      ...opening,
      first,
      at(first, 0, all.subarray(0, 35)),
      at(first, 20, all.subarray(20)),
      ...rest,
    ]),
    one('two segments in the wrong order', [...opening, ...swap(request, 2, 3), ...rest]),
    one('all segments in the wrong order but the first', [...opening, first, ...request.slice(1).reverse(), ...rest]),
    one('the second copy of a waiting segment differs', [
      ...opening,
      first,
      request[2]!,
      other(request[2]!, 0x22),
      ...request.slice(1),
      ...rest,
    ]),
    one('waiting segments that overlap', [
      ...opening,
      first,
      at(first, 20, ones),
      at(first, 15, twos),
      at(first, 30, ones),
      ...request.slice(1),
      ...rest,
    ]),
    one('waiting segments that overlap, the longer one last', [
      ...opening,
      first,
      at(first, 30, ones.subarray(0, 5)),
      at(first, 25, twos),
      ...request.slice(1),
      ...rest,
    ]),
    one('a segment that covers a hole and what waits behind it', [
      ...opening,
      first,
      request[3]!,
      at(first, 10, ones),
      ...request.slice(1),
      ...rest,
    ]),
    one('a hole that was acknowledged', [...opening, ...request.slice(0, 2), ...request.slice(3), ...rest]),
    one('two holes that were acknowledged', [...opening, first, request[2]!, ...request.slice(4), ...rest]),
    one('a hole that was never acknowledged', [...opening, ...request.slice(0, 2), ...request.slice(3)]),
    one('the FIN before the last bytes', [
      ...opening,
      ...request,
      acked,
      ...swap([...response, ...closing], response.length - 1, response.length),
    ]),
    one('the SYN twice', [opening[0]!, opening[0]!, ...opening.slice(1), ...request, ...rest]),
    one('the SYN-ACK before the SYN', [opening[1]!, opening[0]!, opening[2]!, ...request, ...rest]),
    one('the SYN after the first bytes', [opening[1]!, opening[2]!, first, opening[0]!, ...request.slice(1), ...rest]),
    one('a keep-alive', [
      ...opening,
      ...request,
      acked,
      at(request[0]!, REQUEST.length - 1, Uint8Array.of(0)),
      ...rest,
    ]),
    one('a reset in place of a FIN', [...opening, ...request, acked, ...response, { ...closing[0]!, flags: RST }]),
    one('a reset with a reason in it', [
      ...opening,
      ...request,
      acked,
      { ...closing[0]!, flags: RST, payload: Uint8Array.from(Buffer.from('no')) },
    ]),
    one('bytes after a reset', [...opening, first, { ...acked, flags: RST }, ...request.slice(1), ...rest]),
    one('bytes in the SYN', fastOpen()),
    one('one byte a segment', [...new Conversation().open(), ...byteByByte()]),
  ]
}

function fastOpen(): Sent[] {
  const talk = new Conversation()
  return [
    talk.syn('GET / HT'),
    talk.synAck(),
    talk.ack('client'),
    talk.say('client', 'TP/1.1\r\n\r\n'),
    ...talk.close(),
  ]
}

function byteByByte(): Sent[] {
  const talk = new Conversation()
  talk.open()
  return [...talk.sayInPieces('client', REQUEST, 1), ...talk.sayInPieces('server', RESPONSE, 1)]
}

/** Where sequence numbers begin, and where captures do. */
function begun(): SampleCapture[] {
  const make = (title: string, segments: readonly Sent[], flows = 1, isCut = false): SampleCapture => ({
    title,
    file: simple(segments),
    flows,
    isCut,
  })
  const starting = (options: ConversationOptions) => new Conversation(options)
  const wrapping = starting({ clientStart: 0xffff_ffff - 30, serverStart: 0xffff_ff00 })
  const wrapped = whole(wrapping)
  const turned = [...wrapped.slice(0, 5), ...wrapped.slice(5, 12).reverse(), ...wrapped.slice(12)]
  const middle = whole().slice(4)
  const secondTalk = (start: number) => whole(starting({ clientStart: start, serverStart: start + 500_000 }))
  const abandoned = secondTalk(1000).slice(0, 6)
  return [
    make('sequence numbers that wrap around', wrapped),
    make('sequence numbers that wrap around, in the wrong order', turned),
    make('sequence numbers that begin at 0', whole(starting({ clientStart: 0xffff_ffff, serverStart: 0xffff_ffff }))),
    make('a capture that begins at the SYN-ACK', whole().slice(1)),
    make('a capture that begins in mid-connection, at an ACK', middle),
    make('a capture that begins in mid-connection, at bytes of the server', middle.slice(2)),
    make('a capture that begins in mid-connection, in the wrong order', [middle[2]!, middle[1]!, ...middle.slice(3)]),
    make(
      'one side only',
      whole().filter(({ from }) => from === 'server'),
    ),
    make('ports used again after FIN', [...secondTalk(1000), ...secondTalk(9_000_000)], 2),
    make('the same connection twice over', [...secondTalk(1000), ...secondTalk(1000)]),
    make('ports used again without a FIN', [...abandoned, ...secondTalk(7_000_000)], 2),
    make('a SYN that is refused, and comes again', [...refused(), ...refused(), ...secondTalk(7_000_000)], 2),
    make('nothing but a SYN', [new Conversation().syn()]),
  ]
}

function refused(): Sent[] {
  const talk = new Conversation()
  return [talk.syn(), { ...talk.reset('server'), sequence: 0 }]
}

/** Many flows at once, each with its own accidents. */
function crowds(): SampleCapture[] {
  return [1, 2, 3].map((seed) => {
    const random = seededRandom(seed)
    const flows = 40
    const queues = Array.from({ length: flows }, (_, index) => {
      const options = {
        clientPort: 41_000 + index,
        serverPort: [80, 443, 3306, 50_000][index % 4]!,
        clientStart: Math.floor(random() * 2 ** 32),
        serverStart: Math.floor(random() * 2 ** 32),
      }
      const segments = rough(whole(new Conversation(options)), random)
      return packets(segments, index % 3 === 0 ? overIpv6() : overIpv4(), new Conversation(options))
    })
    const mixed: Uint8Array[] = []
    while (queues.some((queue) => queue.length > 0)) {
      const queue = queues[Math.floor(random() * flows)]!
      if (queue.length > 0) mixed.push(queue.shift()!)
    }
    return { title: `${flows} flows at once, roughly treated (seed ${seed})`, file: pcapFile(framed(mixed)), flows }
  })
}

/** Repeats, delays, loses and cuts up segments; what opens the connection stays. */
function rough(segments: readonly Sent[], random: () => number): Sent[] {
  const out = segments.slice(0, 3)
  for (const sent of segments.slice(3)) {
    const dice = random()
    if (dice < 0.08) continue
    out.push(sent)
    if (dice < 0.2) out.push(sent)
    else if (dice < 0.5 && out.length > 5) {
      const at = out.length - 1 - Math.floor(random() * 2)
      const [moved] = out.splice(at, 1)
      out.push(moved!)
    } else if (dice < 0.6 && sent.payload.length > 8) {
      const from = Math.floor(random() * (sent.payload.length - 4))
      const payload = sent.payload.subarray(from).map((byte) => byte ^ 0x20)
      out.push({ ...sent, sequence: (sent.sequence + from) >>> 0, payload })
    }
  }
  return out
}

function cutShort(): SampleCapture[] {
  const ip = packets(whole())
  const frames = ip.map(ethernet())
  const file = simple(whole())
  return [
    {
      title: 'a snap length that cuts every large packet',
      file: pcapFile(recorded(frames, 120)),
      flows: 1,
      isCut: true,
    },
    { title: 'a snap length that leaves headers only', file: pcapFile(recorded(frames, 54)), flows: 1, isCut: true },
    { title: 'a file that ends inside a packet', file: file.subarray(0, file.length - 71), flows: 1 },
    { title: 'other traffic in between', file: pcapFile(framed(otherTraffic(ip))), flows: 1 },
  ]
}

function otherTraffic(ip: readonly Uint8Array[]): Uint8Array[] {
  const datagram = ipv4(V4.client, V4.server, hex('1388 0035 0010 0000 0102030405060708'), { protocol: 17 })
  const ping = ipv6(V6.client, V6.server, hex('8000 0000 0001 0001'), [], 58)
  return ip.flatMap((packet) => [datagram, packet, ping])
}

/** At least thirty captures, each with something that a reader may get wrong. */
export const SAMPLE_CAPTURES: readonly SampleCapture[] = [
  ...conveyed(),
  ...fragmented(),
  ...pcapng(),
  ...mixedUp(),
  ...begun(),
  ...crowds(),
  ...cutShort(),
]
