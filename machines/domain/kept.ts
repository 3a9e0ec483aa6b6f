interface Made {
  value: unknown
  of: readonly unknown[]
}

/**
 * Returns a cache of computed values: `kept(owner, name, of, make)` returns the same object until one of the parts in
 * `of` changes. The values are garbage-collected with their owner.
 */
export function keptValues() {
  const owners = new WeakMap<object, Map<string, Made>>()
  return <T>(owner: object, name: string, of: readonly unknown[], make: () => T): T => {
    const values = owners.get(owner) ?? new Map<string, Made>()
    const known = values.get(name)
    if (known !== undefined && known.of.length === of.length && known.of.every((part, index) => part === of[index]))
      return known.value as T
    const value = make()
    owners.set(owner, values.set(name, { value, of }))
    return value
  }
}
