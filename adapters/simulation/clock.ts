import { writeFile } from 'node:fs/promises'
import type { Clock } from '../../machines/domain/ports.js'

/** A clock that can be moved. Its monotonic reading cannot. */
export function createMovableClock(clock: Clock): { clock: Clock; offset(): number; move(by: number): void } {
  let offset = 0
  return {
    clock: { now: () => clock.now() + offset, monotonic: () => clock.monotonic() },
    offset: () => offset,
    move(by) {
      offset += by
    },
  }
}

export type MovableClock = ReturnType<typeof createMovableClock>

/** The variable that names the file with the offset in ms, which the embedded media server reads. */
export const offsetVariable = 'SIMULATED_CLOCK_FILE'

/** Moves the media server's clock first: a recording that starts just then takes the files of the new time. */
export async function moveClocks(clock: MovableClock, file: string, by: number): Promise<void> {
  await writeFile(file, `${clock.offset() + by}\n`)
  clock.move(by)
}
