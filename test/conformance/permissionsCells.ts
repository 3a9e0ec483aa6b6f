import { expect } from 'chai'
import type { Role } from '../../machines/domain/access.js'

/** The outcome of one request; an unexpected one in its own words. */
export type Outcome = 'in' | 'auth' | 'role' | 'hidden' | (string & {})

/** Whose camera (file, key, session …) a request is about; `both`: it is about none. */
export type Target = 'own' | 'other' | 'both'

export interface Identity {
  title: string
  role: 'none' | Role
  /** Limited to its own cameras. */
  limited: boolean
}

/** One row of the matrix: for each identity and target the expected and the real outcome. */
export interface Row {
  title: string
  targets: readonly Target[]
  expected(identity: Identity, target: Target): Outcome
  ask(identity: Identity, target: Target): Promise<Outcome>
  /** Its requests must not run at the same time. */
  oneByOne?: boolean
}

const marks: Record<string, string> = { in: '+', auth: '-', role: 'r', hidden: 'h' }

/** Runs the request of every cell and keeps the outcomes. */
export function createMatrix(identities: readonly Identity[], rows: readonly Row[]) {
  const outcomes = new Map<string, Outcome>()
  const keyOf = (row: Row, identity: Identity, target: Target) => `${row.title}, ${identity.title}, ${target}`
  const cellsOf = (row: Row) =>
    identities.flatMap((identity) => row.targets.map((target) => ({ row, identity, target })))
  const cells = rows.flatMap(cellsOf)

  const ask = async ({ row, identity, target }: (typeof cells)[number]) => {
    const outcome = await row.ask(identity, target).catch((error: Error) => `error: ${error.message}`)
    outcomes.set(keyOf(row, identity, target), outcome)
  }

  return {
    /** Rejects with the cells that have another outcome. */
    verify: async (row: Row) => {
      if (row.oneByOne) for (const cell of cellsOf(row)) await ask(cell)
      else await Promise.all(cellsOf(row).map(ask))
      const wrong = cellsOf(row).flatMap(({ identity, target }) => {
        const [expected, outcome] = [row.expected(identity, target), outcomes.get(keyOf(row, identity, target))]
        return outcome === expected ? [] : [`${identity.title}, ${target}: ${outcome} instead of ${expected}`]
      })
      expect(wrong).to.deep.equal([])
    },
    unverified: () =>
      cells
        .filter(({ row, identity, target }) => !outcomes.has(keyOf(row, identity, target)))
        .map(({ row }) => row.title),
    /** One character for each cell: see `marks`; `!` another outcome, `?` not run. */
    print: () => {
      const width = Math.max(...rows.map(({ title }) => title.length))
      const columns = identities.map(({ title }) => title.length)
      const line = (title: string, texts: readonly string[]) =>
        `  ${title.padEnd(width)}  ${texts.map((text, at) => text.padEnd(columns[at] ?? 0)).join(' ')}`
      const mark = (row: Row, identity: Identity) =>
        row.targets.map((target) => markOf(outcomes.get(keyOf(row, identity, target)))).join('')
      const body = rows.map((row) =>
        line(
          row.title,
          identities.map((identity) => mark(row, identity)),
        ),
      )
      const legend = 'two marks: own, other; + allowed, - not authenticated, r role too low, h hidden'
      const sum = `${cells.length} cells, ${outcomes.size} verified; ${legend}`
      return [
        line(
          '',
          identities.map(({ title }) => title),
        ),
        ...body,
        `  ${sum}`,
      ].join('\n')
    },
  }
}

const markOf = (outcome: Outcome | undefined): string => (outcome === undefined ? '?' : (marks[outcome] ?? '!'))
