import { readdirSync, readFileSync } from 'node:fs'

export const root = new URL('../../', import.meta.url)

/** A fenced block of a page. */
export interface Fence {
  /** Path of the page from the root, and the line of the fence: `README.md:12`. */
  readonly at: string
  /** What stands behind the backticks: `yaml`, `yaml fragment`, `ts`. */
  readonly info: string
  readonly text: string
  /** The line before the fence that is not empty. */
  readonly before: string
}

/** Text of a file, by its path from the root. */
export function read(path: string): string {
  return readFileSync(new URL(path, root), 'utf8')
}

/** Every page that people read: those at the root, and all below `docs`. */
export function pages(): string[] {
  const atRoot = readdirSync(root).filter((name) => name.endsWith('.md'))
  const below = readdirSync(new URL('docs/', root), { recursive: true, encoding: 'utf8' })
  return [...atRoot, ...below.filter((name) => name.endsWith('.md')).map((name) => `docs/${name}`)].sort()
}

/** The fenced blocks of a page whose language is this one. */
export function fencesOf(page: string, language: string): Fence[] {
  const lines = read(page).split('\n')
  const fences: Fence[] = []
  for (let i = 0; i < lines.length; i++) {
    const info = /^```(\S.*)$/.exec(lines[i]!)?.[1]
    if (info === undefined) continue
    const end = lines.indexOf('```', i + 1)
    if (end < 0) throw new Error(`${page}:${i + 1}: the block has no end`)
    const text = `${lines.slice(i + 1, end).join('\n')}\n`
    const before = lines.slice(0, i).findLast((line) => line.trim() !== '') ?? ''
    if (info.split(' ')[0] === language) fences.push({ at: `${page}:${i + 1}`, info, text, before })
    i = end
  }
  return fences
}
