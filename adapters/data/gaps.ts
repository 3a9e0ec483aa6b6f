import * as Type from 'typebox'
import { isCameraId } from '../../machines/domain/camera.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { EndedGaps, GapStore } from '../../machines/domain/recording.js'
import { Gap, Time } from './gapSchema.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

const State = Type.Object({
  recordings: Type.Array(
    Type.Object({
      camera: Type.String(),
      endedAt: Time,
      files: Type.Array(Type.String(), { minItems: 1 }),
      gaps: Type.Array(Gap, { minItems: 1 }),
    }),
  ),
})

const day = 86_400_000
/** Limits of what is kept. The oldest recordings are dropped first; the newest one is always kept. */
const limits = { recordings: 1_000, gaps: 10_000, files: 20_000, age: 400 * day }

/**
 * The gaps of ended recordings, in `gaps.json`. The file is read once: only this service writes it. A recording is
 * forgotten with its last file.
 */
export async function createGapStore({ dir, clock, log }: StoreOptions): Promise<GapStore> {
  const file = openStateFile({
    dir,
    name: 'gaps.json',
    what: 'the list of gaps in recordings',
    schema: State,
    isValid: ({ recordings }) => recordings.every(({ camera }) => isCameraId(camera)),
    empty: { recordings: [] },
    consequence: 'the gaps of earlier recordings are not shown any more',
    clock,
    log,
  })
  // Newest first.
  let recordings = (await file.load()).value.recordings as EndedGaps[]

  let writing: Promise<void> | undefined
  let isChanged = false
  /** A sweep may delete many files: changes during a write are written together. */
  const write = (next: EndedGaps[]): Promise<void> => {
    recordings = next
    isChanged = true
    writing ??= writeChanges().finally(() => {
      writing = undefined
    })
    return writing
  }
  const writeChanges = async (): Promise<void> => {
    while (isChanged) {
      isChanged = false
      await file.write({ recordings }).catch((error: unknown) => {
        log.warn('the gaps of a recording cannot be noted on disk', { reason: reasonOf(error) })
      })
    }
  }

  return {
    find: (name) => recordings.find(({ files }) => files.includes(name))?.gaps,
    async save(ended) {
      if (ended.gaps.length === 0 || ended.files.length === 0) return
      const others = recordings.filter(({ files }) => !files.some((name) => ended.files.includes(name)))
      await write(bounded([ended, ...others], clock.now()))
    },
    async forget(name) {
      if (!recordings.some(({ files }) => files.includes(name))) return
      const rest = recordings.map((one) => ({ ...one, files: one.files.filter((other) => other !== name) }))
      await write(rest.filter(({ files }) => files.length > 0))
    },
  }
}

function bounded(all: EndedGaps[], now: number): EndedGaps[] {
  let [gaps, files] = [0, 0]
  return all.filter((one, index) => {
    gaps += one.gaps.length
    files += one.files.length
    const isKept = gaps <= limits.gaps && files <= limits.files && now - one.endedAt <= limits.age
    return index === 0 || (index < limits.recordings && isKept)
  })
}
