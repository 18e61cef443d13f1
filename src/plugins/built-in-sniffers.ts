import type { Sniffer } from '../core/sniffer.js'
import { amqp } from './amqp.js'
import { bgp } from './bgp.js'
import { bittorrent } from './bittorrent.js'
import { cassandra } from './cassandra.js'
import { dcerpc } from './dcerpc.js'
import { dns } from './dns.js'
import { elasticsearch } from './elasticsearch.js'
import { ftp } from './ftp.js'
import { git } from './git.js'
import { http1 } from './http1.js'
import { http2 } from './http2.js'
import { imap } from './imap.js'
import { irc } from './irc.js'
import { javaRmi } from './java-rmi.js'
import { kafka } from './kafka.js'
import { kerberos } from './kerberos.js'
import { ldap } from './ldap.js'
import { memcached } from './memcached.js'
import { mongodb } from './mongodb.js'
import { mqtt } from './mqtt.js'
import { munin } from './munin.js'
import { mysql } from './mysql.js'
import { nats } from './nats.js'
import { nntp } from './nntp.js'
import { openvpn } from './openvpn.js'
import { openwire } from './openwire.js'
import { pop3 } from './pop3.js'
import { postgres } from './postgres.js'
import { proxyProtocol } from './proxy-protocol.js'
import { rdp } from './rdp.js'
import { redis } from './redis.js'
import { rsync } from './rsync.js'
import { rtmp } from './rtmp.js'
import { rtsp } from './rtsp.js'
import { sip } from './sip.js'
import { smb } from './smb.js'
import { smtp } from './smtp.js'
import { socks4 } from './socks4.js'
import { socks5 } from './socks5.js'
import { ssh } from './ssh.js'
import { stomp } from './stomp.js'
import { stun } from './stun.js'
import { tds } from './tds.js'
import { telnet } from './telnet.js'
import { thrift } from './thrift.js'
import { tls } from './tls.js'
import { vnc } from './vnc.js'
import { x11 } from './x11.js'
import { xmpp } from './xmpp.js'
import { zookeeper } from './zookeeper.js'

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
  ftp,
  pop3,
  imap,
  irc,
  xmpp,
  telnet,
  vnc,
  rsync,
  git,
  nntp,
  munin,
  amqp,
  mqtt,
  openwire,
  elasticsearch,
  cassandra,
  zookeeper,
  postgres,
  kafka,
  stomp,
  redis,
  memcached,
  ldap,
  smb,
  rdp,
  tds,
  dns,
  thrift,
  javaRmi,
  dcerpc,
  kerberos,
  x11,
  bgp,
  // Those before it say sooner that they are not meant.
  http1,
]
