import type { Side } from './side.js'

/** What a sniffer learned beside the name: shown in summary, trace and logs, and matched by routes (`sni`, `alpn`). */
export type Facts = Readonly<Record<string, string | number | boolean | readonly string[]>>

/** Sample bytes: a string stands for its latin1 bytes. */
export type Bytes = Uint8Array | string

/**
 * The verdict over one window.
 *
 * - `need-more`: it could be mine; say again with more bytes.
 * - `no-match`: whatever comes, it is not mine. Final.
 * - `sure`: it is mine, whatever comes; my facts need more bytes. Final as to the name.
 * - `match`, or `{ facts }`: it is mine, and all is said. Final. Only a match with facts allocates.
 */
export type Sniff = 'need-more' | 'no-match' | 'sure' | 'match' | { readonly facts: Facts }

/**
 * Recognises one protocol from the first bytes of a side.
 *
 * Pure, synchronous and total: no state between calls, no writes to the window, no throw on malformed bytes. The window
 * always begins at the side's first byte and is borrowed: it is valid until the function returns. One that throws loses its vote
 * on that connection, as if it had said `no-match`.
 *
 * Laws (checked by the test kit): **stable**, a verdict other than `need-more` never changes when more bytes come; **bounded**,
 * never `need-more` once the window holds `maxBytes`; **total**; **early**, it says `no-match` at the first byte that makes its
 * protocol impossible; **resumable**, `seen` changes no verdict.
 *
 * `seen` saves work where a window grows byte by byte: its first `seen` bytes were shown before, and the verdict was `need-more` or
 * `sure`. So nothing in them decides, and a scan may go on from there; 0 where nothing is known. Who reads a few hundred bytes at
 * most need not care; who scans for more than that should, or its cost grows with the square of what a slow client sends.
 */
export interface Sniffer {
  /** The protocol's name, as in metrics, routes and logs: `http/1`, `tls`, `mysql`. */
  readonly protocol: string
  /** It never needs more than this many bytes of one side to say yes or no (`sure` may ask for more, up to the window). */
  readonly maxBytes: number
  /** Its servers greet first: a client may wait for that and say nothing. */
  readonly serverFirst?: true
  /** Wins over these protocols where both match the same bytes. A circle is a config error. */
  readonly before?: readonly string[]
  /** First bytes it must recognise, for each side that it listens to. Start-up runs them through all the other sniffers. */
  readonly samples: { readonly client?: readonly Bytes[]; readonly server?: readonly Bytes[] }
  /** From what the client said first. Absent: the client's bytes say nothing about this protocol. */
  client?(window: Uint8Array, seen?: number): Sniff
  /** From what the server said first. Absent: the server's bytes say nothing about this protocol. */
  server?(window: Uint8Array, seen?: number): Sniff
  /**
   * Why it says no to `window`, whose last byte is the first one at which it does: a phrase that goes on after that byte, as in
   * `is no digit` or `makes the length 0`. For `sluice explain` only, never called while a connection waits. May be left out: then
   * `explain` tries which bytes could have stood there. `undefined` does the same. What it throws is ignored.
   */
  whyNot?(window: Uint8Array, side: Side): string | undefined
}
