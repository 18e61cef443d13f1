import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

/** Folders that nginx would make under its own prefix, where a plain user may not write. */
const TEMPORARY_PATHS = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi']

/**
 * Starts nginx with one worker and no access log, as an HTTP server or a stream proxy.
 * `connections` bounds what the worker holds; nginx allocates a table of that size when it starts.
 */
export function startNginx(group, { directory, name, cores, connections, http, stream }) {
  const file = join(directory, `${name}.conf`)
  const blocks = [
    stream === undefined ? '' : `stream {\n  access_log off;\n  ${stream}\n}`,
    http === undefined ? '' : `http {\n  access_log off;\n  ${temporaryPaths(directory)}\n  ${http}\n}`,
  ]
  writeFileSync(
    file,
    `${stream === undefined ? '' : loadStream()}${preamble(directory, name, connections)}${blocks.join('\n')}\n`,
  )
  return group.start(['nginx', '-e', 'stderr', '-p', directory, '-c', file], { cores })
}

/** Whether this nginx can be a stream proxy: built in, or as a module beside it. */
export function hasStream() {
  return streamModule() !== undefined
}

function preamble(directory, name, connections) {
  // Started by root, the worker would become a user who may not read our folder.
  const user = process.getuid() === 0 ? 'user root;\n' : ''
  return `${user}daemon off;
pid ${join(directory, `${name}.pid`)};
error_log stderr crit;
worker_processes 1;
events { worker_connections ${connections}; }
`
}

function temporaryPaths(directory) {
  return TEMPORARY_PATHS.map((kind) => `${kind}_temp_path ${join(directory, kind)};`).join('\n  ')
}

function loadStream() {
  const module = streamModule()
  return module === 'built-in' ? '' : `load_module ${module};\n`
}

function streamModule() {
  const build = execFileSync('sh', ['-c', 'nginx -V 2>&1'], { encoding: 'utf8' })
  if (/--with-stream(\s|$)/.test(build)) return 'built-in'
  const folder = /--modules-path=(\S+)/.exec(build)?.[1]
  const file = folder === undefined ? undefined : join(folder, 'ngx_stream_module.so')
  return file !== undefined && existsSync(file) ? file : undefined
}
