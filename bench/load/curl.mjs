import { runToEnd } from '../process-group.mjs'

const TIMEOUT_MS = 180_000

/** Downloads a URL over one connection and throws the bytes away. The seconds returned begin with the first byte. */
export async function runCurl({ url, cores }) {
  const format = '%{http_code} %{num_connects} %{size_download} %{time_starttransfer} %{time_total}'
  const quiet = ['--silent', '--show-error', '--noproxy', '*', '--output', '/dev/null']
  const command = ['curl', ...quiet, '--write-out', format, url]
  const output = await runToEnd(command, { cores, timeoutMs: TIMEOUT_MS })
  const [status, connections, received, firstByte, total] = output.split(' ').map(Number)
  return { status, connections, received, seconds: total - firstByte }
}
