import type { PathConf } from './fields.js'

/** The names that MediaMTX treats as one: the path for all names that no other configuration matches. */
export const catchAll: readonly string[] = ['all', 'all_others', '~^.*$']

/** Returns the expression of a name for several paths; `undefined` for the name of one. Throws when it is invalid. */
export function matcherOf(name: string): RegExp | undefined {
  if (catchAll.includes(name)) return /^.*$/
  if (!name.startsWith('~')) return undefined
  try {
    return new RegExp(name.slice(1))
  } catch {
    throw new Error(`invalid regular expression: ${name.slice(1)}`)
  }
}

/** Returns why a path cannot have this name; `undefined` when it can. */
export function faultOfName(name: string): string | undefined {
  if (name === '') return 'cannot be empty'
  if (name.startsWith('/')) return "can't begin with a slash"
  if (name.endsWith('/')) return "can't end with a slash"
  if (!/^[0-9a-zA-Z_\-/.]+$/.test(name))
    return 'can contain only alphanumeric characters, underscore, dot, minus, slash'
  if (name.split('/').some((segment) => segment === '.' || segment === '..')) return "can't contain dot path segments"
  return undefined
}

/**
 * Returns the configuration of a path: its own, else that of the first expression that matches. An expression that
 * matches every name comes last. Throws when nothing matches.
 */
export function findPathConf(paths: Map<string, PathConf>, name: string): PathConf {
  const own = paths.get(name)
  if (own && !matcherOf(own.name)) return own
  const found = [...paths.values()].filter((conf) => matcherOf(conf.name)?.test(name))
  const first = found.find((conf) => !catchAll.includes(conf.name)) ?? found[0]
  if (!first) throw new Error(`path '${name}' is not configured`)
  return first
}
