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
  /** Those that there are now: what one of them still records is not deleted. */
  cameras: () => Pick<CameraView, 'id' | 'recording'>[]
  clock: Clock
  log: Log
}

/** What the policy would delete now, oldest first. `cameras`: ids or patterns; the files of others are as if they were not there. */
export type Survey = (policy: RetentionPolicy, cameras?: readonly string[]) => Promise<KeptFile[]>

const page = 1_000

export function createSurvey({ files, cameras, clock }: Pick<RetentionPorts, 'files' | 'cameras' | 'clock'>): Survey {
  async function all(kind: FileKind, patterns: readonly string[] | undefined): Promise<KeptFile[]> {
    // By name: a file that is added while we turn the pages moves another one to the next.
    const found = new Map<string, KeptFile>()
    for (let offset = 0; ; offset += page) {
      const { files: some, total } = await files.list(kind, {
        limit: page,
        offset,
        ...(patterns && { mayUse: (id) => mayUse({ cameras: patterns }, id) }),
      })
      const present = kind === 'recordings' ? cameras() : []
      for (const { name, camera, bytes, createdAt, modifiedAt } of some) {
        found.set(name, {
          kind,
          name,
          camera,
          bytes,
          createdAt,
          modifiedAt,
          growing: isRecorded(present, camera, name),
        })
      }
      if (offset + page >= total) return [...found.values()]
    }
  }
  return async (policy, patterns) =>
    toDelete(policy, [...(await all('recordings', patterns)), ...(await all('snapshots', patterns))], clock.now())
}

/** The effects that machines/retention.ts names. */
export const retentionEffects = (ports: RetentionPorts) => {
  const { files, store, cameras, clock, log } = ports
  const survey = createSurvey(ports)
  return {
    loadPolicy: fromPromise(() => store.load()),
    savePolicy: fromPromise<void, { policy: RetentionPolicy }>(({ input }) => store.save(input.policy)),

    sweepFiles: fromCallback<EventObject, Sweep>(({ input: { policy, cameras: patterns }, receive, sendBack }) => {
      const send = (event: RetentionEvent) => sendBack(event)
      let stopped: 'by a change of the policy' | 'by the end of the service' | undefined
      receive(() => {
        stopped ??= 'by a change of the policy'
      })
      const sweep = async () => {
        for (const { kind, name, camera, bytes } of await survey(policy, patterns)) {
          if (stopped !== undefined) return
          // It may have been taken up since it was looked at.
          if (kind === 'recordings' && isRecorded(cameras(), camera, name)) continue
          try {
            if (!(await files.remove(kind, name))) continue
            const deleted = { kind, name, camera, bytes, reason: reasonToDelete(policy) }
            if (stopped === 'by the end of the service') log.info('a file was deleted while the service ended', deleted)
            send({ type: 'file.deleted', ...deleted })
          } catch (error) {
            send({ type: 'file.kept', name, reason: reasonOf(error) })
          }
        }
      }
      const ended = (reason: string | undefined) =>
        send({ type: 'sweep.ended', at: clock.now(), ...(reason !== undefined && { reason }) })
      sweep().then(
        () => ended(stopped && `stopped ${stopped}`),
        (error: unknown) => ended(`the files cannot be listed: ${reasonOf(error)}`),
      )
      return () => {
        stopped = 'by the end of the service'
      }
    }),
  }
}

const isRecorded = (cameras: ReturnType<RetentionPorts['cameras']>, camera: string, name: string): boolean =>
  isInUse(cameras.find(({ id }) => id === camera)?.recording, name)
