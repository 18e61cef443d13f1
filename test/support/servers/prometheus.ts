import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { accepts } from '../accepts.js'
import { freePort } from '../free-port.js'
import { startProgram } from '../run-program.js'
import { startServer, type Stoppable } from '../start-server.js'
import { temporaryFolder } from '../temporary-folder.js'

export interface PrometheusServer extends Stoppable {
  /** The series that a query gives now; throws where it is none. */
  query(query: string): Promise<readonly unknown[]>
}

/** Prometheus that scrapes one target each second, and adds labels to what it says, as its Kubernetes discovery does. */
export function startPrometheus(target: string, labels: Readonly<Record<string, string>>): Promise<PrometheusServer> {
  return startServer(async (onStop) => {
    const folder = await temporaryFolder('prometheus')
    onStop(() => folder.remove())
    const file = join(folder.path, 'prometheus.yml')
    const scrape = { job_name: 'sluice', scrape_interval: '1s', static_configs: [{ targets: [target], labels }] }
    await writeFile(file, JSON.stringify({ scrape_configs: [scrape] }))
    const port = await freePort()
    const program = startProgram('prometheus', [
      `--config.file=${file}`,
      `--storage.tsdb.path=${join(folder.path, 'data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ])
    onStop(() => program.stop())
    await accepts(port)
    return {
      async query(query) {
        const response = await fetch(`http://127.0.0.1:${port}/api/v1/query?query=${encodeURIComponent(query)}`)
        const answer = (await response.json()) as { status: string; error?: string; data?: { result: unknown[] } }
        if (answer.data === undefined) throw new Error(`${answer.error}: ${query}`)
        return answer.data.result
      },
    }
  })
}
