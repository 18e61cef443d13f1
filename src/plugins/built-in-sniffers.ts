import type { Sniffer } from '../core/sniffer.js'
import { bittorrent } from './bittorrent.js'
import { http1 } from './http1.js'
import { http2 } from './http2.js'
import { mongodb } from './mongodb.js'
import { mysql } from './mysql.js'
import { nats } from './nats.js'
import { openvpn } from './openvpn.js'
import { proxyProtocol } from './proxy-protocol.js'
import { rtmp } from './rtmp.js'
import { rtsp } from './rtsp.js'
import { sip } from './sip.js'
import { smtp } from './smtp.js'
import { socks4 } from './socks4.js'
import { socks5 } from './socks5.js'
import { ssh } from './ssh.js'
import { stun } from './stun.js'
import { tls } from './tls.js'

/**
 * In the order in which they are asked. No two of them match the same bytes, so the order decides nothing but who waits: a match
 * waits for those before it that still want more. Those that know by a fixed prefix come first; HTTP/1, which takes any word for a
 * method until its 33rd letter, comes last.
 */
export const builtInSniffers: readonly Sniffer[] = [
  tls,
  http2,
  ssh,
  mysql,
  mongodb,
  nats,
  smtp,
  socks4,
  socks5,
  proxyProtocol,
  rtsp,
  sip,
  rtmp,
  bittorrent,
  openvpn,
  stun,
  // Those before it say sooner that they are not meant.
  http1,
]
