// Does what systemd does with `ListenStream=` and `Transparent=yes`: listens on a transparent socket and passes it on as descriptor 3.
//   node transparent-parent.mjs ADDON HOST PORT PROGRAM ARGUMENTS...
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createRequire } from 'node:module'
import { createServer } from 'node:net'

const [addon, host, port, program, ...args] = process.argv.slice(2)
const fd = createRequire(import.meta.url)(addon).transparentListener(host, Number(port), false)
if (fd < 0) throw new Error(`errno ${-fd}`)
const server = createServer()
server.listen({ fd })
await once(server, 'listening')
const child = spawn(program, args, { stdio: ['ignore', 'inherit', 'inherit', fd] })
// Its own copy would take connections away.
server.close()
for (const signal of ['SIGTERM', 'SIGINT']) process.on(signal, () => child.kill(signal))
process.on('exit', () => child.kill('SIGKILL'))
const [code] = await once(child, 'exit')
process.exitCode = code ?? 1
