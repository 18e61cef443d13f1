import {
  type Alias,
  type Document,
  isAlias,
  isNode,
  isScalar,
  LineCounter,
  type Node,
  type Pair,
  type ParsedNode,
  parseAllDocuments,
  type Tags,
  visit,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { SourceCollection, SourceItem } from './source-collection.js'

/** Something that is wrong with a manifest, and where. */
export interface ManifestProblem {
  /** Both counted from 1. */
  readonly line: number
  readonly column: number
  readonly message: string
}

/** A manifest cannot be read, or not be done with what was asked. Has all there is to say. */
export class ManifestError extends Error {
  override readonly name = 'ManifestError'
  readonly problems: readonly ManifestProblem[]

  constructor(problems: readonly ManifestProblem[]) {
    super(problems.map(({ line, column, message }) => `${line}:${column} ${message}`).join('\n'))
    this.problems = problems
  }
}

/** Aliases that one document may expand to: more is a trick, and Kubernetes refuses it too. */
const MAX_ALIASES = 1_000

/** A text with any number of YAML documents, as Kubernetes reads it: YAML 1.1 with anchors and merge keys. */
export class Manifest {
  readonly text: string
  readonly documents: readonly ManifestDocument[]
  readonly #lines = new LineCounter()

  /** Throws a ManifestError where the text is no YAML. */
  constructor(text: string) {
    this.text = text
    const parsed = parseAllDocuments(text, {
      keepSourceTokens: true,
      lineCounter: this.#lines,
      logLevel: 'error',
      prettyErrors: false,
      version: '1.1',
      customTags: asKubernetesReads,
    })
    const documents = Array.isArray(parsed) ? (parsed as Document.Parsed<ParsedNode>[]) : []
    const problems = documents.flatMap(({ errors }) =>
      errors.map(({ pos, message }) => this.problemAt(pos[0], message)),
    )
    if (problems.length > 0) throw new ManifestError(problems)
    this.documents = documents.map((document) => new ManifestDocument(this, document))
  }

  problemAt(offset: number, message: string): ManifestProblem {
    const { line, col } = this.#lines.linePos(offset)
    return { line, column: col, message }
  }
}

/**
 * YAML 1.1 has times, and numbers to the base 60; for what reads Kubernetes' manifests they are strings. So is a dot alone, which
 * objects of a cluster have as a key, and which would be taken for a number without digits.
 */
function asKubernetesReads(tags: Tags): Tags {
  const isTime = (tag: Tags[number]): boolean =>
    typeof tag === 'object' && (tag.tag === 'tag:yaml.org,2002:timestamp' || ('format' in tag && tag.format === 'TIME'))
  return tags
    .filter((tag) => !isTime(tag))
    .map((tag) => {
      if (typeof tag !== 'object' || !('test' in tag) || !tag.test?.test('.')) return tag
      return { ...tag, test: new RegExp(`(?=.*[0-9])(?:${tag.test.source})`) }
    })
}

/** What stands behind a key of a map. */
export interface Place {
  /** The map itself, where the text has it, also where the way led through an alias. */
  readonly map: YAMLMap
  readonly pair: Pair<Node, Node | null>
  /** As it is written: perhaps an alias. */
  readonly written: Node
  /** What it stands for. */
  readonly node: Node
}

/** One document: its nodes, and what each stands in. */
export class ManifestDocument {
  readonly manifest: Manifest
  readonly document: Document.Parsed<ParsedNode>
  /** The plain data, each place of its own: what two aliases share in the text is two objects here. */
  readonly data: unknown
  readonly #parents = new Map<Node, Node | undefined>()
  readonly #pairs = new Map<Node, Pair>()
  readonly #aliases: Alias[] = []

  constructor(manifest: Manifest, document: Document.Parsed<ParsedNode>) {
    this.manifest = manifest
    this.document = document
    const unknown: ManifestProblem[] = []
    visit(document, {
      Node: (_key, node, path) => {
        const parent = path.findLast((each): each is Node => isNode(each))
        this.#parents.set(node, parent)
        const pair = path.at(-1)
        if (pair !== undefined && !isNode(pair) && 'value' in pair && pair.value === node) this.#pairs.set(node, pair)
        if (!isAlias(node)) return
        this.#aliases.push(node)
        if (!node.resolve(document)) unknown.push(this.problemAt(node, `there is no anchor "${node.source}"`))
      },
    })
    if (unknown.length > 0) throw new ManifestError(unknown)
    try {
      this.data = separate(document.toJS({ maxAliasCount: MAX_ALIASES }))
    } catch (error) {
      throw new ManifestError([manifest.problemAt(document.range[0], (error as Error).message)])
    }
  }

  /** Where a node begins. */
  problemAt(node: Node | undefined, message: string): ManifestProblem {
    return this.manifest.problemAt(node?.range?.[0] ?? this.document.range[0], message)
  }

  /** What an alias stands for; any other node itself. */
  resolve(node: Node): Node {
    return isAlias(node) ? (node.resolve(this.document) ?? node) : node
  }

  /** What a map has behind a key of its own; undefined where it has none, or none but through a merge key. */
  placeIn(map: YAMLMap, key: string): Place | undefined {
    const pair = map.items.find((item) => isScalar(item.key) && item.key.value === key) as Place['pair'] | undefined
    if (!pair) return undefined
    if (!pair.value)
      throw new ManifestError([this.problemAt(pair.key, `"${key}" has no value: write it, or leave the key out`)])
    return { map, pair, written: pair.value, node: this.resolve(pair.value) }
  }

  /** A collection as the text has it. */
  source(node: YAMLMap | YAMLSeq): SourceCollection {
    const pair = this.#pairs.get(node)
    const item = pair && itemOf(pair)
    return new SourceCollection(this.manifest.text, node, item && new SourceItem(item))
  }

  /** The node and all that it stands in, innermost first. */
  *ancestors(node: Node): Generator<Node> {
    for (let each: Node | undefined = node; each; each = this.#parents.get(each)) yield each
  }

  /** Every alias of what an anchor names. */
  aliasesOf(node: Node): readonly Alias[] {
    return this.#aliases.filter((alias) => alias.resolve(this.document) === node)
  }
}

/** A pair's tokens. */
export function itemOf(pair: Pair): ConstructorParameters<typeof SourceItem>[0] | undefined {
  return (pair as { srcToken?: ConstructorParameters<typeof SourceItem>[0] }).srcToken
}

/** A value in which nothing is shared. Manifests have no other values than JSON has. */
function separate(value: unknown): unknown {
  return value === undefined ? null : (JSON.parse(JSON.stringify(value)) as unknown)
}
