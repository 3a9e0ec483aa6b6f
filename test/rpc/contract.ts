import { readFileSync } from 'node:fs'
import { Ajv, type ValidateFunction } from 'ajv'

export interface Contract {
  method: string
  role: string
  params: Record<string, unknown>
  result: Record<string, unknown>
  errors: number[]
}

/** The documented contract of existing clients. */
export const contract = JSON.parse(
  readFileSync(new URL('../contract/methods.json', import.meta.url), 'utf8'),
) as Contract[]

const isTime = (text: string) =>
  /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$/.test(text) && !Number.isNaN(Date.parse(text))
const ajv = new Ajv({ allErrors: true, strict: false, formats: { 'date-time': isTime } })

const compiled = new WeakMap<object, ValidateFunction>()

/** The faults of a value by its schema, in words; empty if it is valid. */
export const faults = (schema: object, value: unknown): string[] => {
  const validate = compiled.get(schema) ?? ajv.compile(schema)
  compiled.set(schema, validate)
  validate(value)
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || '/'} ${message}`)
}
