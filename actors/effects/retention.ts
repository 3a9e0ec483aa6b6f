import { type EventObject, fromCallback, fromPromise } from 'xstate'
import { mayUse } from '../../machines/domain/access.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Clock, FileKind, Log, MediaFiles } from '../../machines/domain/ports.js'
import {
  isInUse,
  type KeptFile,
  type RetentionPolicy,
  type RetentionStore,
  reasonToDelete,
  toDelete,
} from '../../machines/domain/retention.js'
import type { CameraView } from '../../machines/domain/views.js'
import type { RetentionEvent, Sweep } from '../../machines/retention.js'

export interface RetentionPorts {
  files: Pick<MediaFiles, 'list' | 'remove'>
  store: RetentionStore
  /** The present cameras. A file that one of them is recording is not deleted. */
  cameras: () => Pick<CameraView, 'id' | 'recording'>[]
  clock: Clock
  log: Log
}

/** Lists the files to delete now, oldest first. `cameras`: ids or patterns; files of other cameras are ignored. */
export type Survey = (policy: RetentionPolicy, cameras?: readonly string[]) => Promise<KeptFile[]>

const page = 1_000
const endOfService = 'by the end of the service'

export function createSurvey({ files, cameras, clock }: Pick<RetentionPorts, 'files' | 'cameras' | 'clock'>): Survey {
  async function all(kind: FileKind, patterns: readonly string[] | undefined): Promise<KeptFile[]> {
    // A map by name, because a file that is added between two pages moves another one to the next page.
    const found = new Map<string, KeptFile>()
    for (let offset = 0; ; offset += page) {
      const { files: some, total } = await files.list(kind, {
        limit: page,
        offset,
        ...(patterns && { mayUse: (id) => mayUse({ cameras: patterns }, id) }),
      })
      const present = kind === 'recordings' ? cameras() : []
      for (const file of some)
        found.set(file.name, { ...file, kind, growing: isRecorded(present, file.camera, file.name) })
      if (offset + page >= total) return [...found.values()]
    }
  }
  return async (policy, patterns) =>
    toDelete(policy, [...(await all('recordings', patterns)), ...(await all('snapshots', patterns))], clock.now())
}

/** The effects of machines/retention.ts. */
export const retentionEffects = (ports: RetentionPorts) => {
  const { files, store, cameras, clock, log } = ports
  const survey = createSurvey(ports)
  return {
    loadPolicy: fromPromise(() => store.load()),
    savePolicy: fromPromise<void, { policy: RetentionPolicy }>(({ input }) => store.save(input.policy)),

    sweepFiles: fromCallback<EventObject, Sweep>(({ input: { policy, cameras: patterns }, receive, sendBack }) => {
      const send = (event: RetentionEvent) => sendBack(event)
      const stop = new AbortController()
      receive(() => stop.abort('by a change of the policy'))
      const sweep = async () => {
        for (const { kind, name, camera, bytes } of await survey(policy, patterns)) {
          if (stop.signal.aborted) return
          // A recording may have started since the files were listed.
          if (kind === 'recordings' && isRecorded(cameras(), camera, name)) continue
          try {
            if (!(await files.remove(kind, name))) continue
            const deleted = { kind, name, camera, bytes, reason: reasonToDelete(policy) }
            if (stop.signal.reason === endOfService) log.info('a file was deleted while the service ended', deleted)
            send({ type: 'file.deleted', ...deleted })
          } catch (error) {
            send({ type: 'file.kept', name, reason: reasonOf(error) })
          }
        }
      }
      const ended = (reason: string | undefined) =>
        send({ type: 'sweep.ended', at: clock.now(), ...(reason !== undefined && { reason }) })
      sweep().then(
        () => ended(stop.signal.aborted ? `stopped ${stop.signal.reason}` : undefined),
        (error: unknown) => ended(`the files cannot be listed: ${reasonOf(error)}`),
      )
      return () => stop.abort(endOfService)
    }),
  }
}

const isRecorded = (cameras: ReturnType<RetentionPorts['cameras']>, camera: string, name: string): boolean =>
  isInUse(cameras.find(({ id }) => id === camera)?.recording, name)
