import type { Caller } from '../machines/domain/access.js'
import { keptValues } from '../machines/domain/kept.js'

const kept = keptValues()
const texts = new WeakMap<object, string>()

/**
 * An answer that stays the same until something happens, for clients that ask again and again: it is made once for each
 * caller, and written once. `of`: all that it is made of. Whoever gets it must not change it.
 */
export const standingAnswer = <T extends object>(
  caller: Caller | undefined,
  name: string,
  of: readonly unknown[],
  make: () => T,
): T => {
  if (caller === undefined) return make()
  return kept(caller, name, of, () => writtenOnce(make()))
}

/** An answer that nobody changes any more: its JSON is made once. */
export const writtenOnce = <T extends object>(answer: T): T => {
  texts.set(answer, '')
  return answer
}

/** The JSON of a result; of a standing answer as it was written first. */
export const textOf = (result: unknown): string => {
  if (typeof result !== 'object' || result === null) return JSON.stringify(result ?? null)
  const known = texts.get(result)
  if (known) return known
  const text = JSON.stringify(result)
  if (known === '') texts.set(result, text)
  return text
}
