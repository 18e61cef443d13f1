import { execFileSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

import { hasStream, startNginx } from './nginx.mjs'

const SLUICE = fileURLToPath(new URL('../dist/cli/main.js', import.meta.url))
const NODE_HTTP2 = fileURLToPath(new URL('servers/node-http2-proxy.mjs', import.meta.url))
const NODE_PIPE = fileURLToPath(new URL('servers/node-pipe.mjs', import.meta.url))

/** How long HAProxy waits for the client's first bytes where it is to tell protocols apart: the figure of its manual. */
const INSPECT_DELAY = '5s'

/**
 * What is measured: one column of the tables. `start` gets `{ group, directory, cores, port, origin, origins, pairs, options }`,
 * (and `adminPort` with `hasAdmin`) starts the proxy on 127.0.0.1:port before 127.0.0.1:origin, or before all `origins` where it balances,
 * and returns its process; `missing` says why it cannot.
 * @typedef {object} Target
 * @property {string} name as `--only` takes it
 * @property {string} title
 * @property {readonly string[]} scenarios where it takes part
 * @property {(options: object) => string | undefined} missing
 * @property {((setting: object) => object) | undefined} start undefined: no proxy, the load goes to the origin
 */

const RATES = ['small-requests', 'new-connections', 'bulk']
const HTTP2 = ['http2-requests', 'grpc-unary']
const ROUTES = ['routed-requests', 'paced-requests', 'burst-requests']
const CARRIES = [...RATES, 'idle-pairs', 'greeting']

/** @type {readonly Target[]} */
export const TARGETS = [
  {
    name: 'direct',
    title: 'no proxy',
    scenarios: [...RATES, ...ROUTES, ...HTTP2, 'greeting'],
    missing: () => undefined,
    start: undefined,
  },
  {
    name: 'sluice',
    title: 'Sluice',
    scenarios: [...CARRIES, ...HTTP2],
    missing: missingSluice,
    hasAdmin: true,
    start: (setting) => startSluice(setting, []),
  },
  {
    name: 'sluice-opaque',
    title: 'Sluice, opaque by port',
    scenarios: ['bulk', ...HTTP2],
    missing: missingSluice,
    start: (setting) => startSluice(setting, opaqueByPort(setting)),
  },
  {
    name: 'sluice-routes',
    title: 'Sluice, routing by protocol',
    scenarios: ['greeting'],
    missing: missingSluice,
    start: (setting) => startSluice(setting, routesByProtocol(setting)),
  },
  {
    name: 'sluice-http-route',
    title: 'Sluice, routing requests',
    scenarios: ['small-requests', ...ROUTES],
    missing: missingSluice,
    start: (setting) => startSluice(setting, ['    filters: [detect, http-metrics, http-route, tcp-forward]']),
  },
  {
    name: 'haproxy-tcp',
    title: 'HAProxy tcp',
    scenarios: CARRIES,
    missing: () => missingProgram('haproxy'),
    start: (setting) => startHaproxy(setting, 'tcp', []),
  },
  {
    name: 'haproxy-splice',
    title: 'HAProxy tcp, splice-auto',
    scenarios: ['bulk'],
    missing: () => missingProgram('haproxy'),
    start: (setting) => startHaproxy(setting, 'tcp', ['option splice-auto']),
  },
  {
    name: 'haproxy-detect',
    title: `HAProxy tcp, inspect-delay ${INSPECT_DELAY}`,
    scenarios: ['greeting'],
    missing: () => missingProgram('haproxy'),
    start: (setting) =>
      startHaproxy(setting, 'tcp', [
        `tcp-request inspect-delay ${INSPECT_DELAY}`,
        'tcp-request content accept if { req.ssl_hello_type 1 }',
        'tcp-request content accept if { req.proto_http }',
      ]),
  },
  {
    name: 'haproxy-http',
    title: 'HAProxy http',
    scenarios: [...RATES, ...ROUTES],
    missing: () => missingProgram('haproxy'),
    start: (setting) => startHaproxy(setting, 'http', []),
  },
  {
    name: 'haproxy-h2',
    title: 'HAProxy http, h2 to h2',
    scenarios: HTTP2,
    missing: () => missingProgram('haproxy'),
    start: (setting) => startHaproxy(setting, 'http', [], ' proto h2'),
  },
  {
    name: 'node-http2',
    title: 'a proxy on node:http2',
    scenarios: HTTP2,
    missing: () => undefined,
    start: ({ group, cores, port, origin, options }) =>
      group.start([options.node, NODE_HTTP2, String(port), String(origin)], { cores }),
  },
  {
    name: 'nginx',
    title: 'nginx stream',
    scenarios: CARRIES,
    missing: missingNginx,
    start: (setting) => startNginxStream(setting, ''),
  },
  {
    name: 'nginx-http',
    title: 'nginx http',
    scenarios: ROUTES,
    missing: () => missingProgram('nginx'),
    start: startNginxHttp,
  },
  {
    name: 'nginx-preread',
    title: 'nginx stream, ssl_preread',
    scenarios: ['greeting'],
    missing: missingNginx,
    start: (setting) => startNginxStream(setting, 'ssl_preread on;'),
  },
  {
    name: 'node-pipe',
    title: 'Node pipe',
    scenarios: CARRIES,
    missing: () => undefined,
    start: ({ group, cores, port, origin, options }) =>
      group.start([options.node, NODE_PIPE, String(port), String(origin)], { cores }),
  },
]

/** The default chain: no `filters`. With `filters` it has a choice to make, so that both sides are withheld. */
function startSluice({ group, directory, cores, port, origins, options, adminPort }, filters) {
  const file = join(directory, 'sluice.yaml')
  const lines = [
    'log: { level: warn }',
    'accessLog: false',
    ...(adminPort === undefined ? [] : [`admin: { address: "127.0.0.1:${adminPort}" }`]),
    `upstreams: { origin: { endpoints: [${origins.map((origin) => `"127.0.0.1:${origin}"`).join(', ')}] } }`,
    'listeners:',
    '  - name: bench',
    `    address: "127.0.0.1:${port}"`,
    '    destination: origin',
    ...filters,
  ]
  writeFileSync(file, lines.join('\n') + '\n')
  return group.start([options.node, options.sluice ?? SLUICE, 'run', '-c', file], { cores })
}

function routesByProtocol({ origin }) {
  return [
    '    filters:',
    '      - detect',
    '      - tcp-forward:',
    '          routes:',
    `            - { name: web, match: { protocol: [tls, http/1, http/2] }, destination: "127.0.0.1:${origin}" }`,
  ]
}

/** Named without a look, and so looked at by nobody. */
function opaqueByPort({ origin }) {
  return [
    '    filters:',
    `      - port-override: { ports: { ${origin}: opaque } }`,
    '      - detect',
    '      - tcp-forward',
  ]
}

function startHaproxy({ group, directory, cores, port, origins, pairs }, mode, lines, protocol = '') {
  const file = join(directory, 'haproxy.cfg')
  const config = `global
  nbthread 1
  maxconn ${pairs + 1000}
defaults
  timeout connect 5s
  timeout client 5m
  timeout server 5m
listen bench
  mode ${mode}
  bind 127.0.0.1:${port}${protocol}
  ${lines.join('\n  ')}
  ${origins.map((origin, index) => `server origin${index} 127.0.0.1:${origin}${protocol}`).join('\n  ')}
`
  writeFileSync(file, config)
  return group.start(['haproxy', '-db', '-f', file], { cores })
}

function startNginxStream({ group, directory, cores, port, origin, pairs }, directive) {
  const stream = `server { listen 127.0.0.1:${port}; proxy_pass 127.0.0.1:${origin}; ${directive} }`
  return startNginx(group, { directory, name: 'stream', cores, connections: 2 * pairs + 1000, stream })
}

/** Connections to origins are kept, as many as there may be: by default nginx opens one for each request. */
function startNginxHttp({ group, directory, cores, port, origins }) {
  const http = `upstream origin {
    ${origins.map((origin) => `server 127.0.0.1:${origin};`).join('\n    ')}
    keepalive 100;
    keepalive_requests 1000000000;
  }
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  server {
    listen 127.0.0.1:${port} backlog=4096;
    location / { proxy_pass http://origin; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }`
  return startNginx(group, { directory, name: 'proxy', cores, connections: 4096, http })
}

function missingSluice({ sluice = SLUICE }) {
  return existsSync(sluice) ? undefined : 'the command line is not built: npm run build'
}

function missingNginx() {
  return missingProgram('nginx') ?? (hasStream() ? undefined : 'nginx has no stream module (libnginx-mod-stream)')
}

/** Undefined where the program is on the path. */
export function missingProgram(name) {
  try {
    execFileSync('sh', ['-c', 'command -v "$0"', name], { stdio: 'ignore' })
    return undefined
  } catch {
    return `${name} is not installed`
  }
}
