import type { TSchema } from 'typebox'

/** The part of JSON Schema that the API uses. */
export interface Shape {
  type?: string
  format?: string
  description?: string
  default?: unknown
  enum?: readonly unknown[]
  const?: unknown
  anyOf?: Shape[]
  items?: Shape
  properties?: Record<string, Shape>
  patternProperties?: Record<string, Shape>
  required?: string[]
  minimum?: number
  exclusiveMinimum?: number
  maximum?: number
  maxLength?: number
  maxItems?: number
}

export const shapeOf = (schema: TSchema): Shape => schema as Shape

const literal = (value: unknown) => `\`${JSON.stringify(value)}\``

/** Returns a short description of a shape's type. `known`: shapes with a section of their own → link. */
export function typeOf(shape: Shape, known: ReadonlyMap<Shape, string>): string {
  const link = known.get(shape)
  if (link !== undefined) return link
  if (shape.const !== undefined) return literal(shape.const)
  // Long lists of names have a separate table.
  if (shape.enum !== undefined) return shape.enum.length > 10 ? 'string' : shape.enum.map(literal).join(', ')
  if (shape.anyOf !== undefined) return shape.anyOf.map((each) => typeOf(each, known)).join(' or ')
  if (shape.type === 'array') return `list of ${typeOf(shape.items ?? {}, known)}`
  return shape.format === 'date-time' ? 'time' : (shape.type ?? 'any')
}

/** Returns the limits of a shape, such as `1 to 1000, default 50`; empty if there are none. */
export function limitsOf({
  minimum,
  exclusiveMinimum,
  maximum,
  maxLength,
  maxItems,
  default: fallback,
}: Shape): string {
  const range =
    minimum !== undefined && maximum !== undefined
      ? `${minimum} to ${maximum}`
      : minimum !== undefined
        ? `${minimum} or more`
        : exclusiveMinimum !== undefined
          ? `above ${exclusiveMinimum}`
          : undefined
  return [
    range,
    maxLength === undefined ? undefined : `at most ${maxLength} characters`,
    maxItems === undefined ? undefined : `at most ${maxItems}`,
    fallback === undefined ? undefined : `default ${fallback}`,
  ]
    .filter((words) => words !== undefined)
    .join(', ')
}

/** One member of a result: `recording.files`, `files[].duration`; with a question mark if it may be absent. */
export interface Member {
  name: string
  shape: Shape
}

/** Returns the members of an object and of nested objects, except those in `known`. */
export function membersOf(
  { properties = {}, required = [] }: Shape,
  known: ReadonlyMap<Shape, string>,
  before = '',
): Member[] {
  return Object.entries(properties).flatMap(([key, shape]) => {
    const name = `${before}${key}${required.includes(key) ? '' : '?'}`
    const inner = shape.type === 'array' && shape.items ? shape.items : shape
    const own = { name, shape }
    if (inner.properties === undefined || known.has(inner)) return [own]
    return [own, ...membersOf(inner, known, `${before}${key}${inner === shape ? '.' : '[].'}`)]
  })
}
