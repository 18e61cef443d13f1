import { closeSync, existsSync, openSync, readSync } from 'node:fs'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import type { Address } from '../address.js'
import type { NativeSockets } from './native-sockets.js'

/** What the files of `native/` have. Numbers below zero are negated errno values. */
export interface NativeAddon extends NativeSockets {
  /** Undefined where the kernel tracks no such connection. */
  originalDestination(descriptor: number): Address | undefined
  /** A socket that is bound, and not listening yet. */
  transparentListener(host: string, port: number, isIpv6Only: boolean): number
  /** A socket that will connect from `host`; the kernel picks its port then. */
  transparentSource(host: string): number
}

/** The addon and where it was found; or why there is none. */
export type LoadedAddon =
  | { readonly addon: NativeAddon; readonly file: string; readonly problem?: undefined }
  | { readonly addon?: undefined; readonly problem: string }

/** Seen from `src/` and from `dist/` alike. */
const FOLDER = new URL('../../../native/', import.meta.url)

/** Long enough for the ELF headers and the name of the dynamic linker behind them. */
const HEAD_BYTES = 4096

let loaded: LoadedAddon | undefined

/** Loads the addon when it is first asked for: by the transport, or by interception where Node's sockets serve. */
export function nativeAddon(): LoadedAddon {
  return (loaded ??= loadAddon())
}

/** What was compiled on this machine, else what came with the package. */
export function loadAddon({
  folder = FOLDER,
  platform = process.platform,
  node = process.execPath,
}: { readonly folder?: URL; readonly platform?: string; readonly node?: string } = {}): LoadedAddon {
  if (platform !== 'linux') return { problem: `the native addon is for Linux, and this is ${platform}` }
  const built = fileURLToPath(new URL('build/sluice.node', folder))
  const prebuilt = fileURLToPath(new URL(`prebuilds/linux-${process.arch}-glibc/sluice.node`, folder))
  // One that is linked with another libc may load, and fail later.
  const file = [built, ...(isLinkedWithGlibc(node) ? [prebuilt] : [])].find((candidate) => existsSync(candidate))
  if (file === undefined) return { problem: `the native addon is not there; ${howToGet(folder)}` }
  try {
    return { addon: createRequire(import.meta.url)(file) as NativeAddon, file }
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error)
    return { problem: `the native addon does not load (${reason}); ${howToGet(folder)}` }
  }
}

function howToGet(folder: URL): string {
  return `compile it with: node ${fileURLToPath(new URL('build.mjs', folder))}`
}

/** Node's dynamic linker tells: musl has another. A Node without one loads no addons at all. */
function isLinkedWithGlibc(node: string): boolean {
  const head = Buffer.alloc(HEAD_BYTES)
  const file = openSync(node, 'r')
  try {
    readSync(file, head, 0, HEAD_BYTES, 0)
  } finally {
    closeSync(file)
  }
  return head.includes('/ld-linux')
}
