/** The values that the schema of params forbids, each as one change of valid params. */

type Schema = Record<string, unknown>
type Params = Record<string, unknown>

interface Wrong {
  /** The invalid param. */
  param: string
  /** The change, for messages. */
  what: string
  params: Params
}

const samples: Record<string, unknown[]> = {
  string: ['text', ''],
  number: [1.5, -1],
  integer: [7],
  boolean: [true, false],
  null: [null],
  array: [[], ['text'], [{}]],
  object: [{}, { length: 1 }],
}

/** Names that are forbidden for devices or files. */
const hostile = [
  'door',
  'camera',
  'camera-1',
  'CAMERA0',
  'camera0 ',
  'camera0/',
  '../camera0',
  '../x',
  'a/b',
  'a\\b',
  'a..b',
  'a:b',
  'a|b',
  'a*',
  'a?',
  '<a>',
  'a"b',
]

const otherTypes = (type: string): unknown[] =>
  Object.entries(samples)
    .filter(([name]) => name !== type && !(type === 'number' && name === 'integer'))
    .flatMap(([, values]) => values)
    .filter((value) => type !== 'integer' || !Number.isInteger(value))

/** Values that the schema refuses. */
function refusedBy(schema: Schema): unknown[] {
  const {
    type,
    enum: allowed,
    pattern,
    minLength,
    maxLength,
    minimum,
    maximum,
    exclusiveMinimum,
    minItems,
    items,
  } = schema
  const values: unknown[] = [...otherTypes(String(type))]
  if (Array.isArray(allowed)) values.push('nonsense', String(allowed[0]).toUpperCase(), `${allowed[0]} `)
  if (typeof pattern === 'string') values.push(...hostile.filter((text) => !new RegExp(pattern).test(text)))
  if (typeof minLength === 'number') values.push('x'.repeat(minLength - 1))
  if (typeof maxLength === 'number') values.push('x'.repeat(maxLength + 1))
  if (typeof minimum === 'number') values.push(minimum - 1, Number.MIN_SAFE_INTEGER)
  if (typeof maximum === 'number') values.push(maximum + 1, Number.MAX_SAFE_INTEGER)
  if (typeof exclusiveMinimum === 'number') values.push(exclusiveMinimum, exclusiveMinimum - 1)
  if (typeof minItems === 'number' && minItems > 0) values.push([])
  if (typeof items === 'object' && items !== null) values.push(...refusedBy(items as Schema).map((item) => [item]))
  return values
}

/** All single changes that make params invalid: without a required one, or with a forbidden value. */
export function wrongParams(schema: Schema, right: Params): Wrong[] {
  const properties = (schema.properties ?? {}) as Record<string, Schema>
  const required = (schema.required ?? []) as string[]
  const missing = required.map((param) => {
    const { [param]: _, ...params } = right
    return { param, what: `without ${param}`, params }
  })
  const wrong = Object.entries(properties).flatMap(([param, inner]) =>
    refusedBy(inner).map((value) => ({
      param,
      what: `${param}: ${JSON.stringify(value).slice(0, 60)}`,
      params: { ...right, [param]: value },
    })),
  )
  return [...missing, ...wrong]
}
