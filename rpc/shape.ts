import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv'
import { invalidParam, ServiceError } from '../machines/domain/errors.js'
import type { Method } from './method.js'

// Verbose: an unknown member is answered with those that there are.
const ajv = new Ajv({ allErrors: false, logger: false, verbose: true })
// Compiled at first use: a method that nobody calls costs nothing.
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
  if (keyword === 'required')
    return invalidParam(String(params.missingProperty), 'required', `${params.missingProperty} is required`)
  // `filters.device`: members by name, items of lists not by number.
  const names = instancePath.split('/').filter((part) => !/^\d*$/.test(part))
  if (keyword === 'additionalProperties') {
    const known = Object.keys(parentSchema?.properties ?? {}).join(', ')
    return invalidParam(
      [...names, String(params.additionalProperty).slice(0, 64)].join('.'),
      'is not known',
      `${names.join('.') || 'params'} may hold ${known}`,
    )
  }
  const param = names.join('.') || 'params'
  if (keyword === 'pattern' && parentSchema?.description) {
    return invalidParam(
      param,
      'has the wrong form',
      `${param} has the wrong form; allowed: ${parentSchema.description}`,
    )
  }
  const rule = keyword === 'enum' ? `must be one of ${params.allowedValues.join(', ')}` : message
  return invalidParam(param, rule, `${param} ${rule}`)
}

/** The params as their method's schema wants them; throws `invalidParams`, or what the method answers instead. */
export const checkShape = (method: Method, params: unknown): Record<string, unknown> => {
  if (typeof params !== 'object' || params === null || Array.isArray(params)) {
    throw invalidParam('params', 'must be an object', 'params are given by name')
  }
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
