import * as Type from 'typebox'
import { type CameraId, isCameraId } from '../../machines/domain/camera.js'
import type { IntentStore, RecordingIntent } from '../../machines/domain/recording.js'
import { Gap, Reason, Time } from './gapSchema.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

const State = Type.Object({
  recordings: Type.Array(
    Type.Object({
      camera: Type.String(),
      by: Type.Object({ user: Type.String(), request: Type.String(), session: Type.String() }),
      format: Type.Enum(['fmp4', 'mp4', 'mkv']),
      duration: Type.Optional(Time),
      startedAt: Time,
      earlier: Type.Optional(Type.Array(Type.String())),
      gaps: Type.Array(Gap),
      gapReason: Type.Optional(Reason),
      /** For each folder, in ms. */
      segmentLimits: Type.Optional(Type.Object({ main: Type.Optional(Time), fallback: Type.Optional(Time) })),
      unfinished: Type.Optional(Type.Array(Type.String())),
    }),
  ),
})

/** The recordings that must go on, in `recordings.json`. The file is read once: only this service writes it. */
export async function createIntentStore({ dir, clock, log }: StoreOptions): Promise<IntentStore> {
  const file = openStateFile({
    dir,
    name: 'recordings.json',
    what: 'the list of running recordings',
    schema: State,
    isValid: ({ recordings }) => recordings.every(({ camera }) => isCameraId(camera)),
    empty: { recordings: [] },
    consequence: 'recordings of the last run are not continued',
    keepsCopy: true,
    clock,
    log,
  })
  const recordings = (await file.load()).value.recordings as RecordingIntent[]
  const intents = new Map<CameraId, RecordingIntent>(recordings.map((intent) => [intent.camera, intent]))

  return {
    find: async (camera) => intents.get(camera),
    async save(intent) {
      intents.set(intent.camera, intent)
      await file.write({ recordings: [...intents.values()] })
    },
    async remove(camera) {
      if (intents.delete(camera)) await file.write({ recordings: [...intents.values()] })
    },
  }
}
