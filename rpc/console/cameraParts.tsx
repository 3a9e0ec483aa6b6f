import type { Camera } from '../client/index.js'
import { clockText, countText, wordText } from './format.js'
import { useFacts, useNow, useSession } from './hooks.js'
import { RecordIcon, SnapshotIcon, StopIcon } from './icons.js'
import { Action, Badge, type Tone } from './parts.js'
import { permissionFor, sentence } from './reduce.js'

const tones: Record<Camera['status'], Tone> = { CONNECTED: 'good', DISCONNECTED: 'plain', ERROR: 'bad' }

/** The camera's own state in one word. */
export const StateBadge = ({ camera: { status, state } }: { camera: Camera }) => (
  <Badge tone={tones[status]}>{wordText(state)}</Badge>
)

/** Why the camera is not available; nothing while it is. */
export const StateReason = ({ camera: { details, reason, status } }: { camera: Camera }) => {
  const text = details ?? reason
  if (status === 'CONNECTED' || text === undefined) return null
  return <p class="reason">{sentence(text)}</p>
}

const recordingWords: Record<NonNullable<Camera['recording']>['status'], string> = {
  STARTING: 'Starting',
  RECORDING: 'REC',
  INTERRUPTED: 'Interrupted',
  STOPPING: 'Stopping',
  STOPPED: 'Stopped',
  FAILED: 'Failed',
}

/** The recording dot with the running time. */
export const RecordingBadge = ({ camera: { recording } }: { camera: Camera }) => {
  const now = useNow()
  if (recording === undefined) return null
  const { status, start_time: start, growing } = recording
  const time = start === undefined ? '' : clockText(now - Date.parse(start))
  return (
    <span class={`rec ${growing ? 'growing' : 'waiting'}`}>
      <RecordIcon />
      {recordingWords[status]} {time}
    </span>
  )
}

/** Why a recording does not grow. */
export const RecordingReason = ({ camera: { recording } }: { camera: Camera }) => {
  const text = recording?.details ?? recording?.reason
  return recording === undefined || recording.growing || text === undefined ? null : (
    <p class="reason">Recording: {sentence(text)}</p>
  )
}

/** Snapshot and record, for operators. */
export const CameraActions = ({ camera }: { camera: Camera }) => {
  const { client } = useSession()
  const role = useFacts((facts) => facts.role)
  if (role === 'viewer') return null
  const { id: device, name } = camera
  const snapshot = async () => {
    const { filename, age_ms } = await client.call('take_snapshot', { device })
    const age = age_ms < 1_000 ? '' : `, ${Math.round(age_ms / 1_000)} s old`
    return `Snapshot saved as ${filename}${age}.`
  }
  const start = async () => {
    await client.call('start_recording', { device }, { timeout: 60_000 })
    return `${name} is recording.`
  }
  const stop = async () => {
    const { files, duration, gaps } = await client.call('stop_recording', { device }, { timeout: 60_000 })
    const missing = gaps.reduce((sum, { from, to }) => sum + Date.parse(to) - Date.parse(from), 0)
    const without = gaps.length === 0 ? '' : `, without ${clockText(missing)} in ${countText(gaps.length, 'gap')}`
    return `The recording of ${name} is saved: ${clockText(duration * 1_000)}${without}, in ${files.join(', ')}.`
  }
  return (
    <div class="row">
      <Action
        label="Snapshot"
        name={`Take a snapshot of ${name}`}
        busyLabel="Taking…"
        Icon={SnapshotIcon}
        permission={permissionFor(camera, 'take_snapshot')}
        run={snapshot}
      />
      {camera.recording === undefined ? (
        <Action
          label="Record"
          name={`Record ${name}`}
          busyLabel="Starting…"
          Icon={RecordIcon}
          tone="main"
          permission={permissionFor(camera, 'start_recording')}
          run={start}
        />
      ) : (
        <Action
          label="Stop"
          name={`Stop the recording of ${name}`}
          busyLabel="Stopping…"
          Icon={StopIcon}
          tone="danger"
          permission={permissionFor(camera, 'stop_recording')}
          run={stop}
        />
      )}
    </div>
  )
}
