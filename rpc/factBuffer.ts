import type { Told } from '../machines/domain/facts.js'

/** The newest facts, for clients that were away. */
export interface FactBuffer {
  add(fact: Told): void
  /** Number of the newest fact; 0: none yet. */
  newest(): number
  /** The facts after number `seq`, oldest first; `undefined`: the buffer no longer holds all of them. */
  after(seq: number): Told[] | undefined
}

/** Keeps the newest `size` facts. The numbers of facts have no gaps. */
export const createFactBuffer = (size: number): FactBuffer => {
  const kept: Told[] = []
  let newest = 0
  return {
    add: (fact) => {
      newest = fact.seq
      if (size > 0) kept[fact.seq % size] = fact
    },
    newest: () => newest,
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
