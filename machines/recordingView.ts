import type { SnapshotFrom } from 'xstate'
import type { RecordingStatus, RecordingView } from './domain/views.js'
import type { recordingMachine } from './recording.js'

export const recordingView = ({ context, tags }: SnapshotFrom<typeof recordingMachine>): RecordingView => {
  const { camera, format, by, segments, duration, reason, startedAt, grewAt, gaps } = context
  const isResuming = tags.has('starting') && startedAt !== undefined
  const status = (!isResuming && statuses.find(([tag]) => tags.has(tag))?.[1]) || 'INTERRUPTED'
  const waitsFor = waits.find(([tag]) => tags.has(tag))?.[1]
  return {
    camera,
    status,
    growing: status === 'RECORDING',
    format,
    by: by.user,
    files: segments.map((segment) => segment.filename),
    ...(segments[0] && { filename: segments[0].filename }),
    ...(startedAt !== undefined && { startedAt }),
    ...(duration !== undefined && { duration }),
    ...(status !== 'RECORDING' && status !== 'STARTING' && { reason }),
    ...(status === 'INTERRUPTED' && { since: grewAt }),
    ...(waitsFor && { waitsFor }),
    gaps,
  }
}

const statuses = [
  ['starting', 'STARTING'],
  ['accepting', 'STARTING'],
  ['growing', 'RECORDING'],
  ['stopping', 'STOPPING'],
  ['stopped', 'STOPPED'],
  ['failed', 'FAILED'],
] as const satisfies (readonly [string, RecordingStatus])[]

const waits = [
  ['waitingForCamera', 'camera'],
  ['waitingForStorage', 'storage'],
  ['waitingForServer', 'server'],
] as const
