import type { StateTime } from '../machines/domain/journal.js'
import type { Clock } from '../machines/domain/ports.js'

/**
 * Counts by kind of machine, camera and public state, so that the number of values stays small. Of several actors of
 * one kind (snapshots one after the other), one at a time is counted.
 */
export function createStateTimes({ monotonic }: Pick<Clock, 'monotonic'>) {
  const counts = new Map<string, StateTime>()
  const present = new Map<string, { key: string; since: number }>()

  const leave = (actor: string) => {
    const stay = present.get(actor)
    const count = stay && counts.get(stay.key)
    if (stay && count) count.time += monotonic() - stay.since
    present.delete(actor)
  }

  return {
    /** `isOver`: the actor ends in this state. */
    enter(machine: string, camera: string | undefined, state: string, isOver: boolean) {
      const actor = `${machine} ${camera ?? ''}`
      leave(actor)
      if (state === 'retired') {
        for (const [key, count] of counts) if (camera !== undefined && count.camera === camera) counts.delete(key)
        return
      }
      const key = `${actor} ${state}`
      const count = counts.get(key) ?? { machine, camera: camera ?? '', state, entered: 0, time: 0 }
      count.entered += 1
      counts.set(key, count)
      if (!isOver) present.set(actor, { key, since: monotonic() })
    },
    read: (): StateTime[] => {
      const now = monotonic()
      const stays = new Map([...present.values()].map(({ key, since }) => [key, now - since]))
      return [...counts].map(([key, count]) => ({ ...count, time: count.time + (stays.get(key) ?? 0) }))
    },
  }
}
