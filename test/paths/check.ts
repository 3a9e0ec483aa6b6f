import fc from 'fast-check'
import type { Model } from './model.js'
import { runner, type Sequence } from './sequences.js'

export const sequences = (length: { minLength?: number; maxLength: number }) =>
  fc.record({
    start: fc.nat({ max: 100 }),
    choices: fc.array(fc.nat(), { ...length, size: 'max' }),
    end: fc.nat({ max: 4 }),
  })

/** Runs random sequences. Throws the error of the shortest one that fails; `again`: how to see it again. */
export function check(
  model: Model,
  sequence: fc.Arbitrary<Sequence>,
  { runs, seed, again }: { runs: number; seed: number; again: string },
): void {
  const run = runner(model)
  const property = fc.property(sequence, (one) => void run(one))
  const { failed, errorInstance, numRuns: made } = fc.check(property, { numRuns: runs, seed })
  if (!failed) return
  // fast-check has shrunk the sequence: the message contains its steps.
  throw new Error(`${(errorInstance as Error).message}\n  (sequence ${made} of ${again})`)
}
