import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { cpus, release, totalmem } from 'node:os'

/** The programs whose version belongs beside the figures: what prints it, and where it stands in that. */
const PROGRAMS = {
  haproxy: ['haproxy -v', /version (\S+)/],
  nginx: ['nginx -v 2>&1', /nginx\/(\S+)/],
  wrk: ['wrk -v 2>&1 || true', /wrk (\S+)/],
  curl: ['curl --version', /curl (\S+)/],
}

/** The machine and the versions, without which no figure means anything. */
export function describeEnvironment({ node }) {
  const versions = Object.entries(PROGRAMS).map(([name, [command, pattern]]) => [name, versionOf(command, pattern)])
  return {
    date: new Date().toISOString(),
    cpu: cpus()[0].model,
    cores: cpus().length,
    memoryGibibytes: Math.round(totalmem() / 2 ** 30),
    kernel: release(),
    node: execFileSync(node, ['--version'], { encoding: 'utf8' }).trim(),
    loadNode: process.version,
    sluice: JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')).version,
    ...Object.fromEntries(versions),
  }
}

function versionOf(command, pattern) {
  try {
    const output = execFileSync('sh', ['-c', command], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] })
    return pattern.exec(output)?.[1] ?? 'unknown'
  } catch {
    return 'not installed'
  }
}
