import type { Direction } from './listener-context.js'
import type { Cell, Family, Metrics } from './metrics.js'
import type { Wire } from './wire.js'

/** Linkerd's word for the two peers of a proxy: `src` is the client, `dst` the server. */
type Peer = 'src' | 'dst'
type TcpLabel = 'direction' | 'peer' | 'tls' | 'target_port'

/** `tls` before anything is known, and where the connection is not TLS: Linkerd's value where the proxy itself does no TLS. */
const NOT_TLS = 'disabled'

interface PeerCells {
  /** Closes without an error: what nearly all are. */
  readonly closedCleanly: Cell
  readonly open: Cell
  readonly openTotal: Cell
  readonly read: Cell
  readonly written: Cell
}

/** The byte-level metrics of an instance, with Linkerd's names and labels. */
export class TcpMetrics {
  readonly #open: Family<TcpLabel, Cell>
  readonly #openTotal: Family<TcpLabel, Cell>
  readonly #read: Family<TcpLabel, Cell>
  readonly #written: Family<TcpLabel, Cell>
  readonly #closeTotal: Family<TcpLabel | 'errno', Cell>
  readonly #cells = new Map<string, PeerCells>()
  /** Of wires that no connection counts. */
  readonly #meters = new Set<WireMeter>()
  /** The last two that were asked for, of the client and of the server: nearly always the next ones too. */
  readonly #last: Partial<
    Record<
      Peer,
      { readonly direction: Direction; readonly tls: string; readonly targetPort: number; readonly cells: PeerCells }
    >
  > = {}

  constructor(metrics: Metrics) {
    const labels = ['direction', 'peer', 'tls', 'target_port'] as const
    this.#open = metrics.gauge('tcp_open_connections', 'Connections that are open now.', labels)
    this.#openTotal = metrics.counter(
      'tcp_open_total',
      'Connections that were opened; counted when the protocol is known, or at close.',
      labels,
    )
    this.#read = metrics.counter('tcp_read_bytes_total', 'Bytes read from the peer.', labels)
    this.#written = metrics.counter('tcp_write_bytes_total', 'Bytes written to the peer.', labels)
    this.#closeTotal = metrics.counter(
      'tcp_close_total',
      'Connections that were closed, with the error that ended them.',
      [...labels, 'errno'],
    )
  }

  /** Brings up to date what is counted when somebody reads. */
  countBytes(): void {
    for (const meter of this.#meters) meter.countBytes()
  }

  /** Of a wire that is no connection's: its bytes are counted whenever somebody reads, until it is closed. */
  add(meter: WireMeter): void {
    this.#meters.add(meter)
  }

  remove(meter: WireMeter): void {
    this.#meters.delete(meter)
  }

  cells(direction: Direction, peer: Peer, tls: string, targetPort: number): PeerCells {
    const last = this.#last[peer]
    if (last?.direction === direction && last.tls === tls && last.targetPort === targetPort) return last.cells
    const cells = this.#find(direction, peer, tls, targetPort)
    this.#last[peer] = { direction, tls, targetPort, cells }
    return cells
  }

  #find(direction: Direction, peer: Peer, tls: string, targetPort: number): PeerCells {
    const key = `${direction} ${peer} ${targetPort} ${tls}`
    const known = this.#cells.get(key)
    if (known) return known
    const labels = { direction, peer, tls, target_port: String(targetPort) }
    const cells = {
      open: this.#open.cell(labels),
      openTotal: this.#openTotal.cell(labels),
      read: this.#read.cell(labels),
      written: this.#written.cell(labels),
      closedCleanly: this.#closeTotal.cell({ ...labels, errno: '' }),
    }
    this.#cells.set(key, cells)
    return cells
  }

  closed(direction: Direction, peer: Peer, tls: string, targetPort: number, errno: string): void {
    this.#closeTotal.cell({ direction, peer, tls, target_port: String(targetPort), errno }).value++
  }
}

/**
 * Counts one wire. The wire counts its own bytes; they reach the series when somebody reads the metrics and at close, so that a
 * chunk costs nothing here, and bytes said before the protocol was known count under what was learned.
 */
export class WireMeter {
  readonly #metrics: TcpMetrics
  readonly #wire: Wire
  readonly #direction: Direction
  readonly #peer: Peer
  readonly #targetPort: number
  #tls = NOT_TLS
  #cells: PeerCells
  #countedRead = 0
  #countedWritten = 0
  #isOpenCounted = false

  constructor(metrics: TcpMetrics, wire: Wire, direction: Direction, peer: Peer, targetPort: number) {
    this.#metrics = metrics
    this.#wire = wire
    this.#direction = direction
    this.#peer = peer
    this.#targetPort = targetPort
    this.#cells = metrics.cells(direction, peer, this.#tls, targetPort)
    this.#cells.open.value++
  }

  /** Moves the gauge to the series with this label. */
  setTls(tls: string): void {
    if (tls === this.#tls) return
    this.#cells.open.value--
    this.#tls = tls
    this.#cells = this.#metrics.cells(this.#direction, this.#peer, tls, this.#targetPort)
    this.#cells.open.value++
  }

  /** The labels are known now. */
  countOpen(): void {
    if (this.#isOpenCounted) return
    this.#isOpenCounted = true
    this.#cells.openTotal.value++
  }

  /** No connection brings the bytes of this wire up to date: that is done whenever somebody reads. */
  countByItself(): void {
    this.#metrics.add(this)
  }

  countBytes(): void {
    this.#cells.read.value += this.#wire.bytesRead - this.#countedRead
    this.#cells.written.value += this.#wire.bytesWritten - this.#countedWritten
    this.#countedRead = this.#wire.bytesRead
    this.#countedWritten = this.#wire.bytesWritten
  }

  /** `errno` is that of the error that ended the wire, `ECONNRESET`, or empty. */
  close(errno: string): void {
    this.countOpen()
    this.countBytes()
    this.#metrics.remove(this)
    this.#cells.open.value--
    if (errno === '') this.#cells.closedCleanly.value++
    else this.#metrics.closed(this.#direction, this.#peer, this.#tls, this.#targetPort, errno)
  }
}
