/** The candidate with the fewest edits, or one that contains the word. `undefined` if half of the word would change. */
function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const asked = word.slice(0, 100)
  let best: string | undefined
  let least = Infinity
  for (const candidate of candidates) {
    const distance = asked.length >= 4 && candidate.includes(asked) ? candidate.length / 1000 : edits(asked, candidate)
    if (distance < least) {
      least = distance
      best = candidate
    }
  }
  return least > asked.length / 2 ? undefined : best
}

/** Returns `; the nearest is port`, or an empty text if no candidate is near. */
export function hintOf(
  word: string,
  candidates: Iterable<string>,
  before = '',
  introduction = 'the nearest is',
): string {
  const found = nearest(word, candidates)
  return found === undefined ? '' : `; ${introduction} ${before}${found}`
}

/**
 * Whether one letter is wrong, missing, added, or in the place of its neighbour. Short words are too often like another.
 */
export const isSlip = (word: string, meant: string): boolean =>
  Math.min(word.length, meant.length) >= 4 && Math.abs(word.length - meant.length) <= 1 && edits(word, meant) === 1

/** Levenshtein distance. A swap of neighbours (`prot`, `port`) is one edit. */
function edits(a: string, b: string): number {
  let before: number[] = []
  let above = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      const same = a[i - 1] === b[j - 1] ? 0 : 1
      let cost = Math.min(at(above, j) + 1, at(row, j - 1) + 1, at(above, j - 1) + same)
      if (i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) cost = Math.min(cost, at(before, j - 2) + 1)
      row.push(cost)
    }
    before = above
    above = row
  }
  return at(above, b.length)
}

const at = (row: number[], index: number) => row[index] ?? Infinity
