import type { Address } from '../address.js'

/** Calls on sockets by their descriptors, which `native/sockets.c` makes. Numbers below zero are negated errno values. */
export interface NativeSockets {
  /**
   * Once in a process: `receive` reads into `readBytes`; before `onReady(count)` is called, `ready` has `count` times descriptor,
   * generation and flags of epoll, of at most 256 sockets.
   */
  openPoller(readBytes: Uint8Array, ready: Int32Array, onReady: (count: number) => void): number
  /** Whether the process stays for our sockets. */
  keepAlive(isOn: boolean): void
  /** Tells of a socket whenever something about it changes: edge-triggered. */
  watch(descriptor: number, generation: number): number
  /** Tells once more what is so now, in a later turn. */
  watchAgain(descriptor: number, generation: number): number
  /** For a socket that lives on elsewhere: closing does it by itself. */
  unwatch(descriptor: number): number
  /** How many bytes came, at the start of `readBytes`; 0 at the peer's end. */
  receive(descriptor: number): number
  /** How many of the bytes the kernel took. */
  send(descriptor: number, bytes: Uint8Array): number
  /** The descriptor of a socket that is connecting: `from`, or a new one where that is -1. `from` is closed where it fails. */
  connect(host: string, port: number, from: number, keepAliveSeconds: number): number
  /** 0 where the socket is connected. */
  connectError(descriptor: number): number
  /** Another descriptor of a listening socket, whose connections will have no-delay and keep-alive on. */
  shareListener(descriptor: number, keepAliveSeconds: number): number
  /** The descriptor of the next connection; EAGAIN where none waits. */
  accept(listener: number): number
  /** Of the connection that was accepted last. */
  acceptedPeer(): Address | undefined
  localAddress(descriptor: number): Address | undefined
  /** FIN. */
  endWriting(descriptor: number): number
  /** Of a socket that is watched, as is the next. */
  closeSocket(descriptor: number): void
  /** Closes with RST. */
  resetSocket(descriptor: number): void
  /** Of one that is not watched. */
  closeDescriptor(descriptor: number): void
}
