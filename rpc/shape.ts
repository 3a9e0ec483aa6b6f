import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { invalidParam, ServiceError } from '../machines/domain/errors.js'
import { isSlip } from '../machines/domain/nearest.js'
import type { Method } from './method.js'

// Verbose: the error for an unknown member lists the known ones.
const ajv = new Ajv({ allErrors: false, logger: false, verbose: true, validateSchema: false })
// Compiled at first use: a method that is never called costs nothing.
const compiled = new Map<Method, ValidateFunction>()

const validatorOf = (method: Method): ValidateFunction => {
  const known = compiled.get(method)
  if (known !== undefined) return known
  const made = ajv.compile(method.params)
  compiled.set(method, made)
  return made
}

const poisonous = ['__proto__', 'constructor', 'prototype']

const types: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'a whole number',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
}

type Rule = (params: ErrorObject['params'], schema: ErrorObject['parentSchema']) => string
const counted = (count: number, thing: string) => `${count} ${thing}${count === 1 ? '' : 's'}`
/** What a value must be, by the keyword of the schema that it breaks. A test finds the keywords that are missing. */
export const rules: Readonly<Record<string, Rule>> = {
  type: ({ type }) => `must be ${types[type] ?? 'another type'}`,
  enum: ({ allowedValues }) => `must be one of ${allowedValues.join(', ')}`,
  const: ({ allowedValue }) => `must be ${allowedValue}`,
  minLength: ({ limit }) => (limit === 1 ? 'must not be empty' : `must have at least ${counted(limit, 'character')}`),
  maxLength: ({ limit }) => `must have at most ${counted(limit, 'character')}`,
  minItems: ({ limit }) => (limit === 1 ? 'must not be empty' : `must have at least ${counted(limit, 'item')}`),
  maxItems: ({ limit }) => `must have at most ${counted(limit, 'item')}`,
  minimum: (_, schema) => range(schema),
  maximum: (_, schema) => range(schema),
  exclusiveMinimum: ({ limit }) => `must be more than ${limit}`,
  pattern: () => 'has the wrong form',
  anyOf: (_, schema) => `must be ${schema?.anyOf.map(({ type }: { type: string }) => types[type]).join(' or ')}`,
}

const formOf = ({ examples, description }: ErrorObject['parentSchema'] = {}) => {
  if (examples !== undefined) return `: write it as in ${examples[0]}`
  // What follows the first sentence is not about the form.
  return description === undefined ? '' : `; allowed: ${description.split('. ')[0]}`
}

const range = ({ minimum, maximum }: ErrorObject['parentSchema'] = {}) => {
  if (minimum === undefined) return `must be at most ${maximum}`
  return maximum === undefined ? `must be at least ${minimum}` : `must be from ${minimum} to ${maximum}`
}

/** Of a value that fits none of several types: what is wrong with it by the type that it has. */
function firstOf(errors: readonly ErrorObject[]): ErrorObject | undefined {
  const last = errors.at(-1)
  if (last?.keyword !== 'anyOf') return errors[0]
  return errors.find(({ keyword, instancePath }) => keyword !== 'type' || instancePath !== last.instancePath)
}

const explain = ({ keyword, instancePath, params, parentSchema }: ErrorObject): ServiceError => {
  const wrong = (param: string, rule: string, details: string) =>
    new ServiceError('invalidParams', { param, rule, details })
  if (keyword === 'required')
    return wrong(String(params.missingProperty), 'required', `${params.missingProperty} is required`)
  // `filters.device`: members have names, items of lists have none.
  const names = instancePath.split('/').filter((part) => !/^\d*$/.test(part))
  const param = names.join('.') || 'params'
  if (keyword === 'additionalProperties') {
    const known = Object.keys(parentSchema?.properties ?? {}).join(', ')
    const unknown = String(params.additionalProperty).slice(0, 64)
    return wrong([...names, unknown].join('.'), 'is not known', `${param} may hold ${known}`)
  }
  const rule = rules[keyword]?.(params, parentSchema) ?? 'is invalid'
  const [, item] = /\/(\d+)$/.exec(instancePath) ?? []
  const what = item === undefined ? param : `item ${Number(item) + 1} of ${param}`
  return wrong(param, rule, `${what} ${rule}${keyword === 'pattern' ? formOf(parentSchema) : ''}`)
}

const lettersOf = (name: string) => name.toLowerCase().replace(/[^a-z0-9]/g, '')
const isMeant = (key: string, name: string) =>
  lettersOf(key) === lettersOf(name) || isSlip(lettersOf(key), lettersOf(name))

/** Names of an answer, at most. */
const mostNamed = 10

/** The params that the method does not know, which have no effect. `values`: a client's params, of any type. */
export function unknownParams(method: Method, values: unknown): string[] | undefined {
  if (typeof values !== 'object' || values === null || Array.isArray(values)) return undefined
  const { properties } = method.params as { properties?: object }
  let unknown: string[] | undefined
  for (const key in values) {
    if (isMember(properties, key) || isMember(method.aliases, key) || !Object.hasOwn(values, key)) continue
    unknown ??= []
    if (unknown.length < mostNamed) unknown.push(key.slice(0, 64))
  }
  return unknown
}

const isMember = (of: object | undefined, key: string): boolean => of !== undefined && Object.hasOwn(of, key)

/**
 * Unknown params are ignored, but one that is nearly the name of another was meant: with `dryrun`, a call would delete
 * files; with `duraton`, a recording would never end.
 */
function refuseMisspelt(method: Method, values: Record<string, unknown>): void {
  const { properties = {} } = method.params as { properties?: object }
  for (const key of unknownParams(method, values) ?? []) {
    const meant = Object.keys(properties).find((name) => !Object.hasOwn(values, name) && isMeant(key, name))
    if (meant !== undefined) throw invalidParam(key, `is not known: write ${meant}`)
  }
}

/** The params in the form of the method's schema. Throws `invalidParams`, or the method's own `malformed` error. */
export const checkShape = (method: Method, params: unknown): Record<string, unknown> => {
  if (typeof params !== 'object' || params === null || Array.isArray(params))
    throw invalidParam('params', 'must be an object', 'Give the params by name')
  const values = params as Record<string, unknown>
  for (const key of poisonous) if (Object.hasOwn(values, key)) throw invalidParam(key, 'is not a parameter name')
  for (const key of method.numeric ?? []) {
    const value = values[key]
    if (typeof value === 'string' && /^-?\d{1,9}$/.test(value)) values[key] = Number(value)
  }
  for (const [alias, name] of Object.entries(method.aliases ?? {})) {
    if (Object.hasOwn(values, alias) && !Object.hasOwn(values, name)) values[name] = values[alias]
  }
  const validate = validatorOf(method)
  if (validate(values)) {
    refuseMisspelt(method, values)
    return values
  }
  if (method.malformed !== undefined) throw new ServiceError(method.malformed)
  throw explain(firstOf(validate.errors ?? []) ?? { keyword: 'type', instancePath: '', schemaPath: '', params: {} })
}
