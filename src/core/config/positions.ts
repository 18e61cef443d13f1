import type { ConfigPath } from './config-path.js'

/** Both counted from 1, as editors do; columns in UTF-16 units. */
export interface Position {
  readonly line: number
  readonly column: number
}

/** Where in the file the keys and values of a configuration stand. */
export class Positions {
  readonly #keys = new Map<string, Position>()
  readonly #values = new Map<string, Position>()
  readonly #moved: { readonly from: ConfigPath; readonly to: ConfigPath }[] = []

  setKey(path: ConfigPath, position: Position): void {
    this.#keys.set(JSON.stringify(path), position)
  }

  setValue(path: ConfigPath, position: Position): void {
    this.#values.set(JSON.stringify(path), position)
  }

  /** The innermost value that begins at a position. */
  pathAt({ line, column }: Position): ConfigPath | undefined {
    const [path] = [...this.#values].findLast(([, value]) => value.line === line && value.column === column) ?? []
    return path === undefined ? undefined : (JSON.parse(path) as ConfigPath)
  }

  /** What is spoken of as `to` stands in the file at `from`. */
  move(from: ConfigPath, to: ConfigPath): void {
    this.#moved.push({ from, to })
  }

  /** Of the key at `path`; of the value where it has none, as in a list; of what it stands in where it is absent. */
  ofKey(path: ConfigPath): Position | undefined {
    const written = this.#written(path)
    return this.#keys.get(JSON.stringify(written)) ?? this.#nearestValue(written)
  }

  /** Of the value at `path`; of what it stands in where it is absent. */
  ofValue(path: ConfigPath): Position | undefined {
    return this.#nearestValue(this.#written(path))
  }

  #nearestValue(path: ConfigPath): Position | undefined {
    for (let length = path.length; length >= 0; length--) {
      const position = this.#values.get(JSON.stringify(path.slice(0, length)))
      if (position) return position
    }
    return undefined
  }

  #written(path: ConfigPath): ConfigPath {
    const moved = this.#moved.find(({ to }) => to.every((segment, index) => path[index] === segment))
    return moved ? [...moved.from, ...path.slice(moved.to.length)] : path
  }
}
