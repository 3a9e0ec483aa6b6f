import { readFileSync } from 'node:fs'
import * as Type from 'typebox'
import { type ClockStore, unknownTime } from '../../machines/domain/clockTrust.js'
import type { Clock } from '../../machines/domain/ports.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

/** The largest time of a Date. */
const Time = Type.Number({ minimum: -8.64e15, maximum: 8.64e15 })
const Interval = Type.Object({ from: Time, to: Time })
const Record = Type.Object({
  wall: Time,
  expected: Type.Optional(Time),
  steadyFor: Type.Optional(Type.Number({ minimum: 0 })),
  boot: Type.Optional(Type.String({ maxLength: 64 })),
  stretch: Type.Optional(Interval),
  doubted: Type.Optional(Type.Array(Interval)),
  wrong: Type.Optional(Type.Array(Interval)),
  eras: Type.Optional(Type.Array(Interval)),
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
  const boot = bootOf()
  return {
    read: () => ({ wall: clock.now(), monotonic: Math.round(clock.monotonic()), ...(boot !== '' && { boot }) }),
    async load() {
      const { value, from } = await file.load()
      return from === 'nothing' ? undefined : value
    },
    save: (record) => file.write(record),
  }
}

/** The kernel's name of this boot; empty if it tells none. */
function bootOf(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim().slice(0, 64)
  } catch {
    return ''
  }
}
