import { uint16, uint32 } from './byte-order.js'

/** Why a frame has no IP packet for us. */
export type LinkProblem = 'unknown-link-type' | 'not-ip' | 'too-short'

/** Where the IP packet begins in a frame. */
export type NetworkOffset = number | LinkProblem

type FindNetwork = (frame: Uint8Array) => NetworkOffset

/** By LINKTYPE number: the tcpdump group's list, https://www.tcpdump.org/linktypes.html. */
const LINK_TYPES: ReadonlyMap<number, FindNetwork> = new Map<number, FindNetwork>([
  [0, null4], // NULL: BSD loopback
  [1, ethernet],
  [12, raw], // RAW as most systems number it inside; some writers put it into files
  [14, raw], // the same on OpenBSD
  [101, raw],
  [108, null4], // LOOP: as NULL, always big-endian
  [113, linuxCooked],
  [228, raw], // IPV4
  [229, raw], // IPV6
  [276, linuxCooked2],
])

const IPV4 = 0x0800
const IPV6 = 0x86dd
/** 802.1Q, 802.1ad, and what came before 802.1ad. A tag is what it names(2, before it), priority and number(2). */
const VLAN_TAGS: ReadonlySet<number> = new Set([0x8100, 0x88a8, 0x9100])
/** IEEE 802.3 section 3.2.6: smaller numbers are a length, and an LLC header follows. */
const MIN_ETHER_TYPE = 0x0600
/** Two is usual; four are more than any switch makes. */
const MAX_VLAN_TAGS = 8

/** Finds the IP packet in a frame of a link type. Never throws. */
export function findNetwork(linkType: number, frame: Uint8Array): NetworkOffset {
  return LINK_TYPES.get(linkType)?.(frame) ?? 'unknown-link-type'
}

/** Destination(6) source(6) type(2). */
function ethernet(frame: Uint8Array): NetworkOffset {
  return behindEtherType(frame, 12, 14)
}

/** LINKTYPE_LINUX_SLL: packet type(2) hardware(2) address length(2) address(8) type(2). VLAN tags, where kept, follow as in Ethernet. */
function linuxCooked(frame: Uint8Array): NetworkOffset {
  return behindEtherType(frame, 14, 16)
}

/** LINKTYPE_LINUX_SLL2: type(2) reserved(2) interface(4) hardware(2) packet type(1) address length(1) address(8). */
function linuxCooked2(frame: Uint8Array): NetworkOffset {
  return behindEtherType(frame, 0, 20)
}

/** Steps over VLAN tags and LLC/SNAP. `typeAt`: where the type is; `at`: what follows the header. */
function behindEtherType(frame: Uint8Array, typeAt: number, at: number): NetworkOffset {
  if (frame.length < at) return 'too-short'
  let type = uint16(frame, typeAt)
  for (let tags = 0; VLAN_TAGS.has(type); tags++) {
    if (tags === MAX_VLAN_TAGS) return 'not-ip'
    if (frame.length < at + 4) return 'too-short'
    type = uint16(frame, at + 2)
    at += 4
  }
  if (type < MIN_ETHER_TYPE) {
    // RFC 1042: LLC aa aa 03, organisation 00 00 00, type(2).
    if (frame.length < at + 8) return 'too-short'
    if (uint32(frame, at) !== 0xaaaa0300 || uint16(frame, at + 4) !== 0) return 'not-ip'
    type = uint16(frame, at + 6)
    at += 8
  }
  return type === IPV4 || type === IPV6 ? at : 'not-ip'
}

/** Address families: IPv4 is 2 everywhere; IPv6 is 10 on Linux, 24 on NetBSD and OpenBSD, 28 on FreeBSD, 30 on macOS. */
const FAMILIES: ReadonlySet<number> = new Set([2, 10, 24, 28, 30])

/** Address family(4) in the byte order of the machine that captured, which is either: the numbers are small. */
function null4(frame: Uint8Array): NetworkOffset {
  if (frame.length < 4) return 'too-short'
  return FAMILIES.has(uint32(frame, 0, 'big')) || FAMILIES.has(uint32(frame, 0, 'little')) ? 4 : 'not-ip'
}

function raw(): NetworkOffset {
  return 0
}
