import type { Caller } from '../machines/domain/access.js'
import { keptValues } from '../machines/domain/kept.js'

const kept = keptValues()
const texts = new WeakMap<object, string | Buffer>()
/** Longer texts (characters) are kept as bytes: to join and encode one for each reply costs more than all the rest. */
const large = 512

/**
 * A result that stays the same until something happens, for clients that poll: it is made and serialised once for each
 * caller. `of`: everything that it is made of. It must not be changed.
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

/** Marks a result that does not change: it is serialised once. */
export const writtenOnce = <T extends object>(answer: T): T => {
  texts.set(answer, '')
  return answer
}

/** The JSON of a result; a standing answer is serialised the first time only, a large one also encoded (UTF-8). */
export const textOf = (result: unknown): string | Buffer => {
  if (typeof result !== 'object' || result === null) return JSON.stringify(result ?? null)
  const known = texts.get(result)
  if (known) return known
  const text = JSON.stringify(result)
  if (known !== '') return text
  const kept = text.length < large ? text : Buffer.from(text)
  texts.set(result, kept)
  return kept
}
