import { fromPromise } from 'xstate'
import type { CameraId } from '../../machines/domain/camera.js'
import type { Log, Quarantine, Suspect } from '../../machines/domain/ports.js'
import { reasonFrom } from '../../machines/domain/reason.js'
import { mayBeOpen } from '../../machines/domain/retention.js'
import type { CameraView } from '../../machines/domain/views.js'
import type { QuarantineEvent } from '../../machines/quarantine.js'
import { callback } from './callback.js'

export interface QuarantinePorts {
  quarantine: Quarantine
  /** The present cameras. A file that one of them may be writing is not moved. */
  cameras: () => readonly Pick<CameraView, 'id' | 'recording'>[]
  log: Log
}

/** The effects of machines/quarantine.ts. */
export const quarantineEffects = ({ quarantine, cameras, log }: QuarantinePorts) => {
  const isClosed = ({ camera, name }: Suspect): boolean =>
    !mayBeOpen(cameras().find(({ id }) => id === camera)?.recording, name)
  return {
    findSuspects: fromPromise<Suspect[], { cameras?: readonly CameraId[] }>(async ({ input, signal }) => {
      try {
        return (await quarantine.suspects(input.cameras, signal)).filter(isClosed)
      } catch (error) {
        if (!signal.aborted)
          log.warn('the recordings cannot be searched for broken files', { reason: reasonFrom(error).details })
        throw error
      }
    }),

    moveSuspects: callback<QuarantineEvent, { suspects: readonly Suspect[] }>(({ input: { suspects }, send }) => {
      const ended = new AbortController()
      const moveOne = async (suspect: Suspect) => {
        // A recording may have started meanwhile.
        if (ended.signal.aborted || !isClosed(suspect)) return
        const { camera, name, reason } = suspect
        try {
          const filename = await quarantine.move(suspect)
          if (filename === undefined) return
          if (ended.signal.aborted)
            log.warn('a file was quarantined while the service ended', { camera, filename, reason: reason.code })
          send({ type: 'file.quarantined', camera, filename, reason })
        } catch (error) {
          log.warn('a broken file cannot be quarantined', { camera, file: name, reason: reasonFrom(error).details })
        }
      }
      const moveAll = async () => {
        for (const suspect of suspects) await moveOne(suspect)
        send({ type: 'move.ended' })
      }
      void moveAll()
      return () => ended.abort()
    }),
  }
}
