import type { Sniffer } from '../core/sniffer.js'
import { ftp } from './ftp.js'
import { git } from './git.js'
import { http1 } from './http1.js'
import { http2 } from './http2.js'
import { imap } from './imap.js'
import { irc } from './irc.js'
import { mongodb } from './mongodb.js'
import { munin } from './munin.js'
import { mysql } from './mysql.js'
import { nats } from './nats.js'
import { nntp } from './nntp.js'
import { pop3 } from './pop3.js'
import { rsync } from './rsync.js'
import { smtp } from './smtp.js'
import { ssh } from './ssh.js'
import { telnet } from './telnet.js'
import { tls } from './tls.js'
import { vnc } from './vnc.js'
import { xmpp } from './xmpp.js'
import { amqp } from './amqp.js'
import { cassandra } from './cassandra.js'
import { elasticsearch } from './elasticsearch.js'
import { http1 } from './http1.js'
import { http2 } from './http2.js'
import { kafka } from './kafka.js'
import { mongodb } from './mongodb.js'
import { mqtt } from './mqtt.js'
import { mysql } from './mysql.js'
import { nats } from './nats.js'
import { openwire } from './openwire.js'
import { postgres } from './postgres.js'
import { smtp } from './smtp.js'
import { ssh } from './ssh.js'
import { stomp } from './stomp.js'
import { tls } from './tls.js'
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
  // Those before it say sooner that they are not meant.
  http1,
]
