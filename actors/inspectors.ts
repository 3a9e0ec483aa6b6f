import type { InspectionEvent } from 'xstate'

type Inspector = (event: InspectionEvent) => void

/** Combines inspectors to one. Undefined ones cost nothing. */
export const inspectors = (...all: ({ inspect: Inspector } | undefined)[]): Inspector => {
  const [first = () => {}, ...others] = all.flatMap((each) => each?.inspect ?? [])
  if (others.length === 0) return first
  return (event) => {
    first(event)
    for (const inspect of others) inspect(event)
  }
}
