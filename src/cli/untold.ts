import type { ListenerConfig } from '../core/config/config.js'
import { formatDuration } from '../core/config/scalar-text.js'
import type { RecordedAddresses } from './recorded-connection.js'
import type { RecordedPlayback } from './recorded-playback.js'
import type { StandIn } from './stand-in-filter.js'

/** What there is to say of a run of a recording. */
interface RecordedRun extends RecordedAddresses {
  readonly listener: ListenerConfig
  readonly playback: RecordedPlayback
  readonly stands: readonly StandIn[]
}

/** What the recording could not tell of this run, a sentence each; nothing of what could not have mattered. */
export function untold({ listener, source, headedTo, playback, stands }: RecordedRun): string[] {
  const said: string[] = []
  if (source === undefined && asksForSource(listener))
    said.push('Where the client came from is not known, and was asked for: --source ADDRESS says it.')
  if (headedTo === undefined && listener.destination?.kind === 'original')
    said.push(
      'Where the client was headed is not known: port-override and routes by port were tried without. --destination HOST:PORT says it.',
    )
  if (playback.isCutShort)
    said.push(
      `The recording ended before it was enough; this is what becomes of it where nothing more comes for ${formatDuration(playback.waitedMs)}.`,
    )
  else if (playback.waitedMs > 0)
    said.push(
      `The server spoke before it was dialled here: the client is taken to have waited for it, ${formatDuration(playback.waitedMs)}. One that spoke at once may have gone elsewhere.`,
    )
  if (playback.unheardBytes > 0)
    said.push(
      `${playback.unheardBytes} bytes of the server were heard by nobody: no server was connected when it was its turn.`,
    )
  for (const { name } of stands.filter(({ isPlugins }) => isPlugins))
    said.push(`${name} is the filter of a plugin, which was not run: what it would have said is not known.`)
  return said
}

/** Options of the built-in filters that look at the client's address. */
function asksForSource({ filters }: ListenerConfig): boolean {
  return filters.some(({ definition: { name }, options }) => {
    if (name === 'proxy-protocol') return true
    const { routes = [] } = (options ?? {}) as {
      readonly routes?: readonly { readonly match?: { source?: unknown } }[]
    }
    return name === 'tcp-forward' && routes.some(({ match }) => match?.source !== undefined)
  })
}
