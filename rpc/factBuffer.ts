import type { Told } from '../machines/domain/facts.js'

/** The newest facts, for clients that were away. */
export interface FactBuffer {
  add(fact: Told): void
  /** The facts after number `seq`, oldest first; `undefined`: not all of them are kept any more. */
  after(seq: number): Told[] | undefined
}

/** Keeps the newest `size` facts; the numbers of facts have no gaps. */
export const createFactBuffer = (size: number): FactBuffer => {
  const kept: Told[] = []
  let newest = 0
  return {
    add: (fact) => {
      newest = fact.seq
      if (size > 0) kept[fact.seq % size] = fact
    },
    after: (seq) => {
      const facts: Told[] = []
      for (let number = seq + 1; number <= newest; number++) {
        const fact = kept[number % size]
        if (fact?.seq !== number) return undefined
        facts.push(fact)
      }
      return facts
    },
  }
}
