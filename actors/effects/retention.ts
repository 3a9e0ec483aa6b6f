import { type EventObject, fromCallback, fromPromise } from 'xstate'
import { mayUse } from '../../machines/domain/access.js'
import type { ClockReading, ClockRecord, ClockStore } from '../../machines/domain/clockTrust.js'
import { reasonOf } from '../../machines/domain/errors.js'
import type { FileKind, Log, MediaFiles, WallClock } from '../../machines/domain/ports.js'
import type { Protection } from '../../machines/domain/protection.js'
import type { Reason } from '../../machines/domain/reason.js'
import {
  isInUse,
  type KeptFile,
  planSweep,
  type RetentionPolicy,
  type RetentionStore,
  type SweepPlan,
  undatedReason,
} from '../../machines/domain/retention.js'
import type { CameraView } from '../../machines/domain/views.js'
import type { RetentionEvent, Sweep } from '../../machines/retentionSetup.js'

export interface RetentionPorts {
  files: Pick<MediaFiles, 'list' | 'remove'>
  protection: Pick<Protection, 'has' | 'loss' | 'acceptLoss'>
  store: RetentionStore
  clockStore: ClockStore
  /** The present cameras. A file that one of them is recording is not deleted. */
  cameras: () => readonly Pick<CameraView, 'id' | 'recording' | 'limits'>[]
  clock: WallClock
  log: Log
}

/** Plans the sweep. `by` is absent for a scheduled one; files of cameras other than `cameras` are ignored. */
export type Survey = (sweep: Sweep) => Promise<SweepPlan>

const page = 1_000
const endOfService = 'by the end of the service'

type SurveyPorts = Pick<RetentionPorts, 'files' | 'cameras' | 'clock'> & { protection: Pick<Protection, 'has'> }

export function createSurvey({ files, protection, cameras, clock }: SurveyPorts): Survey {
  async function all(
    kind: FileKind,
    patterns: readonly string[] | undefined,
    quarantined = false,
  ): Promise<KeptFile[]> {
    // A map by name, because a file that is added between two pages moves another one to the next page.
    const found = new Map<string, KeptFile>()
    for (let offset = 0; ; offset += page) {
      const { files: some, total } = await files.list(kind, {
        limit: page,
        offset,
        quarantined,
        ...(patterns && { mayUse: (id) => mayUse({ cameras: patterns }, id) }),
      })
      const present = kind === 'recordings' && !quarantined ? cameras() : []
      for (const file of some) {
        const growing = isRecorded(present, file.camera, file.name)
        const isProtected = kind === 'recordings' && protection.has(file.name)
        found.set(file.name, { ...file, kind, growing, ...(isProtected && { protected: true }) })
      }
      if (offset + page >= total) return [...found.values()]
    }
  }
  return async ({ policy, by, cameras: patterns, now = clock.now(), ...rules }) => {
    const found = [
      ...(await all('recordings', patterns)),
      ...(await all('recordings', patterns, true)),
      ...(await all('snapshots', patterns)),
    ]
    const limits = new Map(cameras().flatMap(({ id, limits: own }) => (own ? [[id, own] as const] : [])))
    return planSweep(policy, found, { ...rules, now, isScheduled: by === undefined, limits })
  }
}

/** The effects of machines/retention.ts. */
export const retentionEffects = (ports: RetentionPorts) => {
  const { files, protection, store, clockStore, cameras, clock, log } = ports
  const survey = createSurvey(ports)
  return {
    loadPolicy: fromPromise(() => store.load()),
    savePolicy: fromPromise<void, { policy: RetentionPolicy }>(({ input }) => store.save(input.policy)),

    findLoss: fromPromise<Reason | undefined>(async () => protection.loss()),
    acceptLoss: fromPromise<void>(() => protection.acceptLoss()),

    loadClock: fromPromise<ClockRecord | undefined>(({ signal }) =>
      clockStore.load().catch((error: unknown) => {
        if (!signal.aborted)
          log.error(
            `${reasonOf(error)}: deletion by age is suspended for 24 hours, or until cleanup_old_files is called`,
          )
        throw error
      }),
    ),
    readClock: fromPromise<ClockReading>(async () => clockStore.read()),
    saveClock: fromPromise<void, { record: ClockRecord }>(({ input, signal }) =>
      clockStore.save(input.record).catch((error: unknown) => {
        const reason = reasonOf(error)
        if (!signal.aborted)
          log.warn('the time cannot be saved: after a restart deletion by age may be suspended', { reason })
        throw error
      }),
    ),

    sweepFiles: fromCallback<EventObject, Sweep>(({ input, receive, sendBack }) => {
      const { policy, by } = input
      const send = (event: RetentionEvent) => sendBack(event)
      const stop = new AbortController()
      receive(() => stop.abort('by a change of the policy'))
      const sweep = async () => {
        const { files: due, reasons, undated, excess, isLimited } = await survey(input)
        const counted = policy.type === 'age' || undated.length > 0 ? { undated: undated.length } : {}
        if (excess && due.length === 0 && !stop.signal.aborted) {
          send({ type: 'sweep.refused', at: clock.now(), excess, ...counted })
          return
        }
        for (const file of due) {
          const { kind, name, camera, bytes, quarantined = false } = file
          if (stop.signal.aborted) break
          // A recording may have started, or been protected, since the files were listed.
          const isRecording = kind === 'recordings'
          if (isRecording && !quarantined && isRecorded(cameras(), camera, name)) continue
          if (isRecording && protection.has(name)) continue
          try {
            if (!(await files.remove(kind, name, { quarantined }))) continue
            const deleted = { kind, name, camera, bytes, reason: reasons.get(file) ?? '' }
            if (stop.signal.reason === endOfService) log.info('a file was deleted while the service ended', deleted)
            send({ type: 'file.deleted', ...deleted })
          } catch (error) {
            send({ type: 'file.kept', name, reason: reasonOf(error) })
          }
        }
        // A scheduled sweep finds them again each time: the machine reports their number.
        if (by) for (const { name } of undated) send({ type: 'file.kept', name, reason: undatedReason })
        const reason = stop.signal.aborted ? { reason: `stopped ${stop.signal.reason}` } : {}
        const more = { ...(excess && { excess }), ...(isLimited && { isLimited }) }
        send({ type: 'sweep.ended', at: clock.now(), ...reason, ...counted, ...more })
      }
      sweep().catch((error: unknown) =>
        send({ type: 'sweep.ended', at: clock.now(), reason: `the files cannot be listed: ${reasonOf(error)}` }),
      )
      return () => stop.abort(endOfService)
    }),
  }
}

const isRecorded = (cameras: ReturnType<RetentionPorts['cameras']>, camera: string, name: string): boolean =>
  isInUse(cameras.find(({ id }) => id === camera)?.recording, name)
