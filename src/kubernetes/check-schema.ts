/** The part of JSON Schema (2020-12) that Kubernetes' types need. */
export interface Schema {
  readonly $ref?: string
  readonly type?: 'string' | 'number' | 'boolean' | 'object' | 'array'
  readonly const?: string
  readonly anyOf?: readonly Schema[]
  readonly items?: Schema
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly additionalProperties?: Schema | false
}

/** Schemas by names such as `core/v1.Container`. */
export interface KubernetesSchema {
  readonly $defs: Readonly<Record<string, Schema>>
}

/** What is wrong with a value of this type, each with its path; empty where nothing is. Null is a field left out, as for Kubernetes. */
export function checkSchema(schemas: KubernetesSchema, typeName: string, value: unknown): string[] {
  const schema = schemas.$defs[typeName]
  if (!schema) throw new RangeError(`no schema of ${typeName}`)
  return problems(schemas, schema, value, typeName)
}

function problems(schemas: KubernetesSchema, schema: Schema, value: unknown, path: string): string[] {
  if (schema.$ref !== undefined) {
    const name = schema.$ref.slice('#/$defs/'.length).replaceAll('~1', '/')
    return problems(schemas, schemas.$defs[name]!, value, path)
  }
  if (schema.anyOf) {
    const found = schema.anyOf.map((one) => problems(schemas, one, value, path))
    return found.some((each) => each.length === 0) ? [] : found.flat()
  }
  if (schema.const !== undefined && value !== schema.const) return [`${path}: expected "${schema.const}"`]
  if (schema.type === undefined || value === null) return []
  const actual = Array.isArray(value) ? 'array' : typeof value
  if (actual !== schema.type) return [`${path}: expected ${schema.type}, got ${actual}`]
  if (Array.isArray(value))
    return value.flatMap((item, index) => problems(schemas, schema.items ?? {}, item, `${path}[${index}]`))
  return actual === 'object' ? objectProblems(schemas, schema, value as Record<string, unknown>, path) : []
}

function objectProblems(
  schemas: KubernetesSchema,
  { properties = {}, required = [], additionalProperties }: Schema,
  value: Readonly<Record<string, unknown>>,
  path: string,
): string[] {
  const missing = required.filter((key) => value[key] === undefined || value[key] === null)
  const inFields = Object.entries(value).flatMap(([key, field]) => {
    const known = Object.hasOwn(properties, key) ? properties[key] : additionalProperties
    if (known === false) return [`${path}.${key}: no such field`]
    return field === undefined || known === undefined ? [] : problems(schemas, known, field, `${path}.${key}`)
  })
  return [...missing.map((key) => `${path}.${key}: is required`), ...inFields]
}
