import type { Camera } from '../client/index.js'
import { CameraActions, RecordingBadge, RecordingReason, StateBadge, StateReason } from './cameraParts.js'
import { bytesText, countText, durationText, wordText } from './format.js'
import { useFacts, useLoaded, useSession } from './hooks.js'
import { LivePicture } from './livePicture.js'
import { Action, Badge, Card, Empty, For, Pairs, Pending, Table, Time, type Tone } from './parts.js'
import { sentence } from './reduce.js'
import { TimelineCard } from './timelineView.js'

export const CameraView = ({ id }: { id: string }) => {
  const camera = useFacts(({ cameras }) => cameras.find((one) => one.id === id))
  const isLoaded = useFacts((facts) => facts.isLoaded)
  if (camera === undefined)
    return isLoaded ? (
      <Empty title={`There is no ${id}`}>
        It may have left for good, or your credential is not for it. <a href="#/cameras">All cameras</a>
      </Empty>
    ) : (
      <p class="quiet">Loading…</p>
    )
  return (
    <>
      <div class="view-head">
        <div>
          <p class="crumb">
            <a href="#/cameras">Cameras</a> / {id}
          </p>
          <div class="row">
            <h1>{camera.name}</h1>
            <StateBadge camera={camera} />
            <RecordingBadge camera={camera} />
          </div>
        </div>
        <CameraActions camera={camera} />
      </div>
      <RecordingReason camera={camera} />
      <div class="camera-grid">
        <div class="stack">
          <LivePicture camera={camera} />
          <TimelineCard camera={camera} />
          <Simulation camera={camera} />
        </div>
        <div class="stack">
          <StateCard camera={camera} />
          <IdentityCard camera={camera} />
          <PipelineCard camera={camera} />
          <CapabilitiesCard camera={camera} />
        </div>
      </div>
    </>
  )
}

const StateCard = ({ camera }: { camera: Camera }) => {
  const { client } = useSession()
  const { id, state, since, connected_at: connected, resolution, fps, kind } = camera
  const every = camera.stream_state === 'ACTIVE' ? 2_000 : 5_000
  const { data } = useLoaded(() => client.call('get_camera_status', { device: id }), `${id} ${state}`, every)
  const metrics = data?.metrics
  const stream = wordText(camera.stream_state)
  return (
    <Card title="State">
      <StateReason camera={camera} />
      <Pairs
        of={[
          [
            'Camera',
            <>
              {wordText(state)} for <For at={since} />
            </>,
          ],
          ['Connected', connected && <Time at={connected} />],
          ['Kind', { usb: 'USB camera', v4l2: 'Capture device', rtsp: 'RTSP camera', virtual: 'Virtual camera' }[kind]],
          ['Picture', resolution && `${resolution}${fps === undefined ? '' : `, ${fps} frames per second`}`],
          ['Stream', metrics?.uptime ? `${stream}, for ${durationText(metrics.uptime * 1_000)}` : stream],
          ['Readers', metrics && `${metrics.readers}, ${bytesText(metrics.bytes_sent)} sent`],
          ['Recording', camera.recording && recordingText(camera.recording)],
        ]}
      />
    </Card>
  )
}

const recordingText = ({ status, format, files, gaps }: NonNullable<Camera['recording']>): string =>
  `${wordText(status)}, ${format}, ${countText(files.length, 'file')}` +
  (gaps.length === 0 ? '' : `, ${countText(gaps.length, 'gap')}`)

const bases: Record<Camera['identity']['basis'], string> = {
  serial: 'The serial number of the camera. It keeps its id at every USB port.',
  port: 'The USB port. It keeps its id while it stays at this port.',
  model: 'The model, and the order in which equal cameras were found.',
  name: 'The name in the configuration.',
}
const confidences: Record<Camera['identity']['confidence'], Tone> = { high: 'good', medium: 'warn', low: 'bad' }

const IdentityCard = ({ camera: { id, identity } }: { camera: Camera }) => (
  <Card
    title="Identity"
    aside={<Badge tone={confidences[identity.confidence]}>{wordText(identity.confidence)} confidence</Badge>}
  >
    <Pairs
      of={[
        ['Id', id],
        ['Evidence', bases[identity.basis]],
        ['Ambiguous', identity.ambiguous && 'Another camera reports the same serial number.'],
      ]}
    />
  </Card>
)

const kinds = { copy: 'Copied without encoding', encode: 'Encoded to H.264', pull: 'Pulled by the media server' }

const PipelineCard = ({ camera: { pipeline } }: { camera: Camera }) => (
  <Card title="Pipeline">
    {pipeline === undefined ? (
      <p class="quiet">Not known until the camera has been probed.</p>
    ) : (
      <Pairs
        of={[
          ['Kind', kinds[pipeline.kind]],
          ['Because', sentence(pipeline.reason)],
          ['Source', pipeline.source_format],
          ['Output', pipeline.profile && `H.264 ${pipeline.profile}, level ${pipeline.level ?? ''}`],
        ]}
      />
    )}
  </Card>
)

const CapabilitiesCard = ({ camera }: { camera: Camera }) => {
  const { client } = useSession()
  const { data, error, reload } = useLoaded(
    () => client.call('get_camera_capabilities', { device: camera.id }),
    `${camera.id} ${camera.state}`,
  )
  const modes = data?.modes ?? []
  return (
    <Card title="Capabilities">
      <Pending data={data} {...(error !== undefined && { error })} reload={reload} />
      {data !== undefined && modes.length === 0 && <p class="quiet">The camera lists no formats.</p>}
      {modes.length > 0 && (
        <Table
          name={`Formats of ${camera.name}`}
          head={['Format', 'Size', 'Frames per second']}
          rows={modes.map(({ format, resolution, fps }) => [format, resolution, fps.join(', ')])}
        />
      )}
    </Card>
  )
}

const faults = [
  ['unplug', 'Unplug'],
  ['plug', 'Plug in'],
  ['stall', 'Stall'],
  ['resume', 'Resume'],
] as const

/** Faults of virtual cameras, where the service offers them. */
const Simulation = ({ camera: { id, kind } }: { camera: Camera }) => {
  const { client } = useSession()
  const role = useFacts((facts) => facts.role)
  const { data } = useLoaded(() => client.call('get_server_info'), 'info')
  if (role !== 'admin' || kind !== 'virtual' || !data?.capabilities.includes('simulation')) return null
  return (
    <Card title="Simulation">
      <p class="quiet">Faults of this virtual camera, to see what the service does.</p>
      <div class="row">
        {faults.map(([action, label]) => (
          <Action
            key={action}
            label={label}
            run={async () => {
              await client.call('simulate', { device: id, action })
              return undefined
            }}
          />
        ))}
      </div>
    </Card>
  )
}
