// Makes a JSON Schema (2020-12) of Kubernetes' types as the package kubernetes-types has them, which is generated from Kubernetes'
// own OpenAPI description. Stricter than that: what is no field is refused, as by `kubectl --validate=strict`.
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import ts from 'typescript'

const packageFile = createRequire(import.meta.url).resolve('kubernetes-types/package.json')

/** The schemas of these types, `apps/v1.Deployment` and the like, and of all that they refer to, under `$defs` by those names. */
export function kubernetesSchema(roots) {
  const files = [...new Set(roots.map((root) => fileOf(root)))]
  const program = ts.createProgram(files, { noLib: true, types: [] })
  const checker = program.getTypeChecker()
  const definitions = new Map()
  for (const root of roots) define(symbolOf(root))
  return { $defs: Object.fromEntries([...definitions].toSorted(([a], [b]) => (a < b ? -1 : 1))) }

  function symbolOf(root) {
    const source = checker.getSymbolAtLocation(program.getSourceFile(fileOf(root)))
    const name = root.slice(root.lastIndexOf('.') + 1)
    const symbol = checker.getExportsOfModule(source).find((one) => one.name === name)
    if (!symbol) throw new Error(`kubernetes-types has no ${root}`)
    return symbol
  }

  function define(symbol) {
    const declaration = symbol.declarations[0]
    const name = nameOf(declaration)
    if (definitions.has(name)) return name
    definitions.set(name, {})
    definitions.set(
      name,
      ts.isInterfaceDeclaration(declaration) ? objectOf(declaration.members) : schemaOf(declaration.type),
    )
    return name
  }

  function objectOf(members) {
    const named = members.filter((member) => ts.isPropertySignature(member))
    const index = members.find((member) => ts.isIndexSignatureDeclaration(member))
    const required = named.filter((member) => !member.questionToken).map((member) => member.name.text)
    return {
      type: 'object',
      ...(named.length > 0 && {
        properties: Object.fromEntries(named.map(({ name, type }) => [name.text, schemaOf(type)])),
      }),
      ...(required.length > 0 && { required }),
      // What has no fields of its own may have any: FieldsV1 is as free as the objects that it describes.
      ...(members.length > 0 && { additionalProperties: index ? schemaOf(index.type) : false }),
    }
  }

  function schemaOf(type) {
    switch (type.kind) {
      case ts.SyntaxKind.StringKeyword:
        return { type: 'string' }
      case ts.SyntaxKind.NumberKeyword:
        return { type: 'number' }
      case ts.SyntaxKind.BooleanKeyword:
        return { type: 'boolean' }
      case ts.SyntaxKind.AnyKeyword:
      case ts.SyntaxKind.UnknownKeyword:
      case ts.SyntaxKind.ObjectKeyword:
        return {}
      case ts.SyntaxKind.LiteralType:
        return { const: type.literal.text }
      case ts.SyntaxKind.ArrayType:
        return { type: 'array', items: schemaOf(type.elementType) }
      case ts.SyntaxKind.UnionType:
        return { anyOf: type.types.map(schemaOf) }
      case ts.SyntaxKind.TypeLiteral:
        return objectOf(type.members)
      case ts.SyntaxKind.TypeReference:
        return referenceOf(type)
      default:
        throw new Error(`no schema for ${ts.SyntaxKind[type.kind]}: ${type.getText()}`)
    }
  }

  function referenceOf(type) {
    if (type.typeName.getText() === 'Array') return { type: 'array', items: schemaOf(type.typeArguments[0]) }
    const symbol = checker.getSymbolAtLocation(type.typeName)
    const target = symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
    return { $ref: `#/$defs/${define(target).replaceAll('/', '~1')}` }
  }
}

function fileOf(root) {
  return join(dirname(packageFile), `${root.slice(0, root.lastIndexOf('.'))}.d.ts`)
}

/** `core/v1.Container` */
function nameOf(declaration) {
  const path = declaration.getSourceFile().fileName.split('/kubernetes-types/').at(-1)
  return `${path.replace(/\.d\.ts$/, '')}.${declaration.name.text}`
}
