import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { invalidParam, ServiceError } from '../machines/domain/errors.js'
import type { Method } from './method.js'

// Verbose: the error for an unknown member lists the known ones.
const ajv = new Ajv({ allErrors: false, logger: false, verbose: true })
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

const explain = ({
  keyword,
  instancePath,
  params,
  parentSchema,
  message = 'is invalid',
}: ErrorObject): ServiceError => {
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
  if (keyword === 'pattern' && parentSchema?.description)
    return wrong(param, 'has the wrong form', `${param} has the wrong form; allowed: ${parentSchema.description}`)
  return invalidParam(param, keyword === 'enum' ? `must be one of ${params.allowedValues.join(', ')}` : message)
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
  if (validate(values)) return values
  if (method.malformed !== undefined) throw new ServiceError(method.malformed)
  throw explain(validate.errors?.[0] ?? { keyword: 'type', instancePath: '', schemaPath: '', params: {} })
}
