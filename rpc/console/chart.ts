/** A machine as the build writes it to `charts.json`: names only. */
export interface ChartState {
  name: string
  type: 'atomic' | 'compound' | 'parallel' | 'final' | 'history'
  /** True for the state that its parent starts in. */
  initial?: true
  states?: ChartState[]
  transitions?: ChartTransition[]
}

export interface ChartTransition {
  event: string
  guard?: string
  /** Dotted paths of the targets; empty: the state stays. */
  to: string[]
}

/** Machine → its root state. */
export type Charts = Record<string, ChartState>

/** True if the state at `path` (dotted) is one of the present states or contains one. */
export const isLit = (path: string, present: readonly string[]): boolean =>
  present.some((leaf) => leaf === path || leaf.startsWith(`${path}.`))

/** The state at a dotted path. */
export const stateAt = (root: ChartState, path: string): ChartState | undefined =>
  path.split('.').reduce<ChartState | undefined>((node, name) => node?.states?.find((one) => one.name === name), root)

interface Listed {
  actor: string
  parent?: string
}
export interface Branch<T extends Listed> {
  actor: T
  children: Branch<T>[]
}

/** The list of get_actors as trees. */
export const treeOf = <T extends Listed>(actors: readonly T[]): Branch<T>[] => {
  const branches = new Map(actors.map((actor) => [actor.actor, { actor, children: [] as Branch<T>[] }]))
  const roots: Branch<T>[] = []
  for (const branch of branches.values()) {
    const parent = branches.get(branch.actor.parent ?? '')
    if (parent === undefined) roots.push(branch)
    else parent.children.push(branch)
  }
  return roots
}

/** `camera:camera0/recording` under `camera:camera0` → `recording`. */
export const shortName = (actor: string, parent: string | undefined): string =>
  parent !== undefined && actor.startsWith(`${parent}/`) ? actor.slice(parent.length + 1) : actor
