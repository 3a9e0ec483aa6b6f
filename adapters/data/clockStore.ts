import Type from 'typebox'
import { type ClockStore, unknownTime } from '../../machines/domain/clockTrust.js'
import type { Clock } from '../../machines/domain/ports.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

/** The largest time of a Date. */
const Time = Type.Number({ minimum: -8.64e15, maximum: 8.64e15 })
const Record = Type.Object({
  wall: Time,
  expected: Type.Optional(Time),
  steadyFor: Type.Optional(Type.Number({ minimum: 0 })),
})

/** The clocks, and the last time seen, in `clock.json`. */
export function createClockStore({ dir, clock, log }: StoreOptions & { clock: Clock }): ClockStore {
  const file = openStateFile({
    dir,
    name: 'clock.json',
    what: 'the last time seen',
    schema: Record,
    empty: unknownTime,
    consequence: 'deletion by age is suspended for 24 hours, or until cleanup_old_files is called',
    clock,
    log,
  })
  return {
    read: () => ({ wall: clock.now(), monotonic: Math.round(clock.monotonic()) }),
    async load() {
      const { value, from } = await file.load()
      return from === 'nothing' ? undefined : value
    },
    save: (record) => file.write(record),
  }
}
