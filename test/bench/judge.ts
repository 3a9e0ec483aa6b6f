/** What a ratio must not fall below or exceed. */
export type Limit = { least: number } | { most: number }

/** A sentence for each ratio that is outside its budget, or that was not measured. */
export function overBudget(figures: Record<string, number>, budget: Record<string, Limit>): string[] {
  return Object.entries(budget).flatMap(([name, limit]) => {
    const value = figures[name]
    if (value === undefined) return [`${name}: not measured; run \`make bench\``]
    return isMet(value, limit) ? [] : [`${name}: ${rounded(value)}, the budget is ${wordsOf(limit)}`]
  })
}

export const isMet = (value: number, limit: Limit): boolean =>
  'least' in limit ? value >= limit.least : value <= limit.most

export const wordsOf = (limit: Limit): string => ('least' in limit ? `≥ ${limit.least}` : `≤ ${limit.most}`)

export const rounded = (value: number): number => Number(value.toPrecision(3))
