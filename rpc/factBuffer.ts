import type { Told } from '../machines/domain/facts.js'

/** Keeps the newest `size` facts, for clients that were away. The numbers of facts have no gaps. */
export const createFactBuffer = (size: number) => {
  const kept: Told[] = []
  let newest = 0
  return {
    add: (fact: Told): void => {
      newest = fact.seq
      if (size > 0) kept[fact.seq % size] = fact
    },
    /** Number of the newest fact; 0: none yet. */
    newest: () => newest,
    /** The facts after number `seq`, oldest first; `undefined`: the buffer no longer holds all of them. */
    after: (seq: number): Told[] | undefined => {
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
