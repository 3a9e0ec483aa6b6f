import { useRef } from 'preact/hooks'
import type { Camera } from '../client/index.js'
import { CameraActions, RecordingBadge, RecordingReason, StateBadge, StateReason } from './cameraParts.js'
import { agoText, bytesText, countText, durationText } from './format.js'
import { useFacts, useLoaded, useNow, useSession, useVisible } from './hooks.js'
import { CameraOffIcon } from './icons.js'
import { Badge, Bar, Empty, For, type Tone } from './parts.js'
import { sentence } from './reduce.js'
import { hrefOf } from './route.js'
import { useStill } from './stills.js'

/** A sleeping camera has to be opened for each picture; one that streams has them ready. ms. */
const every = { live: 2_000, asleep: 10_000 }

export const CamerasView = () => {
  const { cameras, isLoaded } = useFacts((facts) => facts)
  const connected = cameras.filter(({ status }) => status === 'CONNECTED').length
  const recording = cameras.filter((camera) => camera.recording !== undefined).length
  const summary = [
    countText(cameras.length, 'camera'),
    `${connected} available`,
    ...(recording > 0 ? [`${recording} recording`] : []),
  ]
  return (
    <>
      <div class="view-head">
        <div>
          <h1>Cameras</h1>
          {isLoaded && <p class="quiet">{summary.join(', ')}</p>}
        </div>
        <StorageSummary />
      </div>
      {!isLoaded && <p class="quiet">Loading…</p>}
      {isLoaded && cameras.length === 0 && (
        <Empty title="No camera yet">
          Plug in a USB camera: it appears here by itself. Add RTSP cameras and virtual ones to <code>cameras</code> in
          the configuration.
        </Empty>
      )}
      <ul class="tiles" aria-label="Cameras">
        {cameras.map((camera) => (
          <Tile key={camera.id} camera={camera} />
        ))}
      </ul>
      {cameras.length > 0 && (
        <p class="quiet">
          <a href={hrefOf({ view: 'kiosk' })}>Wall display of all cameras</a>
        </p>
      )}
    </>
  )
}

const Tile = ({ camera }: { camera: Camera }) => {
  const { id, name, since } = camera
  const href = hrefOf({ view: 'camera', id })
  return (
    <li class="tile">
      <div class="picture">
        <Picture camera={camera} />
        <RecordingBadge camera={camera} />
      </div>
      <div class="tile-body">
        <div class="row between">
          <h2>
            <a href={href}>{name}</a>
          </h2>
          <StateBadge camera={camera} />
        </div>
        <p class="quiet">
          {id} · for <For at={since} />
        </p>
        <StateReason camera={camera} />
        <RecordingReason camera={camera} />
        <CameraActions camera={camera} />
      </div>
    </li>
  )
}

/** The newest still with its age, while it can be seen. */
export const Picture = ({ camera: { id, name, status, stream_state: stream } }: { camera: Camera }) => {
  const ref = useRef<HTMLDivElement>(null)
  const isVisible = useVisible(ref)
  const now = useNow()
  const isThere = status === 'CONNECTED'
  const rate = stream === 'ACTIVE' ? 'live' : 'asleep'
  const { still, error } = useStill(id, {
    isWanted: isVisible && isThere,
    every: every[rate],
    pace: 1_500,
    maxAge: rate === 'live' ? 2 : 5,
  })
  return (
    <div ref={ref} class={`still${isThere ? '' : ' off'}`}>
      {still !== undefined && <img src={still.url} alt={`${name}${isThere ? '' : ', the last picture'}`} />}
      {still === undefined && (
        <div class="no-picture">
          {isThere && error === undefined ? <span>Waiting for a picture…</span> : <CameraOffIcon />}
          {isThere && error !== undefined && <span>{sentence(error)}</span>}
          {!isThere && <span>No picture</span>}
        </div>
      )}
      {still !== undefined && <span class="age">{agoText(still.takenAt, now)}</span>}
    </div>
  )
}

const storageTones: Record<string, Tone> = { ok: 'good', warning: 'warn', critical: 'bad', blind: 'bad' }

/** The disk in one line: its usage for administrators, its state for others. */
export const StorageSummary = () => {
  const role = useFacts((facts) => facts.role)
  const health = useFacts((facts) => facts.health)
  if (role === 'admin') return <StorageBar />
  const storage = health?.reasons.storage
  if (storage === undefined) return null
  return (
    <p class="storage">
      Storage <Badge tone={storageTones[storage.state] ?? 'plain'}>{storage.state}</Badge>
    </p>
  )
}

const StorageBar = () => {
  const { client } = useSession()
  const { data } = useLoaded(() => client.call('get_storage_info'), 'storage', 15_000)
  if (data === undefined || data.total_space === 0) return null
  const { usage_percentage: percent, available_space: free, state, forecast, details } = data
  const left = forecast?.days_left
  const days = left === undefined ? '' : `, full in ${durationText(left * 86_400_000)}`
  return (
    <div class="storage">
      <div class="row between">
        <span>Storage</span>
        <span class="quiet">
          {bytesText(free)} free{days}
        </span>
      </div>
      <Bar
        value={percent / 100}
        label={`Storage, ${Math.round(percent)} % used`}
        tone={storageTones[state] ?? 'plain'}
      />
      {details !== undefined && <p class="reason">{sentence(details)}</p>}
    </div>
  )
}
