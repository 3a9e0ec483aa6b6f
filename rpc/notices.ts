import type { EndedRecording, Fact, Told } from '../machines/domain/facts.js'
import type { CameraStatus } from '../machines/domain/views.js'
import type { RpcOptions } from './options.js'
import { cameraOf, given, iso, seconds, sizeOf, statusOf, urlsOf } from './present.js'
import type { Topic } from './topics.js'

/** One fact in the words of one topic. `payload` is asked for only when somebody has subscribed. */
export interface Notice {
  topic: Topic
  payload: (host: string) => object
  /** It holds URLs, which differ with the address that a client came in by. */
  byHost?: boolean
}

type Sources = Pick<RpcOptions, 'directory' | 'clock' | 'about' | 'publicHost' | 'offers'>

/** A recording that was refused before any file has no end of its own: it ended when that was told. */
const endOf = (camera: string, at: number, { reason, files, startedAt, endedAt, recorded, bytes, format }: EndedRecording) =>
  given({
    device: camera,
    filename: files[0] ?? '',
    files,
    duration: seconds(recorded),
    file_size: bytes,
    format,
    reason,
    start_time: startedAt === undefined ? undefined : iso(startedAt),
    end_time: iso(endedAt || at),
  })

/** The web client's own member names. */
const legacyEndOf = ({ reason, files, startedAt, recorded, format }: EndedRecording) =>
  given({ filename: files[0] ?? '', duration: seconds(recorded), format, reason, startTime: startedAt === undefined ? undefined : iso(startedAt) })

/**
 * Which topics tell of a fact, and how. The three legacy names carry whole objects of the web client's store; the
 * dotted ones what the documents say, and more.
 */
export const createNotices = (sources: Sources) => {
  const { directory, about } = sources

  const cameraViewOf = (camera: string) => directory.cameras().find(({ id }) => id === camera)

  const wholeCamera = (camera: string, status?: CameraStatus): Notice => ({
    topic: 'camera_status_update',
    byHost: true,
    payload: (host) => {
      const view = cameraViewOf(camera)
      if (view === undefined) return { device: camera, id: camera, status: status ?? 'DISCONNECTED', streams: {} }
      return cameraOf(status === undefined ? view : { ...view, status }, urlsOf(sources, camera, host))
    },
  })

  const path = (camera: string, topic: Topic, ready: boolean, reason?: string): Notice => ({
    topic,
    payload: () => {
      const stream = cameraViewOf(camera)?.stream
      return given({
        name: camera,
        device: camera,
        stream_id: camera,
        stream_type: 'rtsp',
        source: camera,
        ready,
        readers: Object.keys(stream?.holders ?? {}).length,
        bytes_sent: 0,
        reason,
      })
    },
  })

  const health = (): Notice[] => {
    const payload = () => statusOf(sources)
    return [
      { topic: 'system.health', payload },
      { topic: 'system_health_update', payload },
    ]
  }

  const plain = (topic: Topic, values: object): Notice => ({ topic, payload: () => values })
  const recordingUpdate = (device: string, status: 'RECORDING' | 'STOPPED' | 'ERROR' | 'STARTING', values: object) =>
    plain('recording_status_update', { device, status, ...values })

  return (fact: Told<Fact>): Notice[] => {
    switch (fact.type) {
      case 'camera.connected': {
        const { camera, name } = fact
        return [
          plain('camera.connected', { device: camera, name, status: 'CONNECTED' }),
          wholeCamera(camera, 'CONNECTED'),
          path(camera, 'mediamtx.path', cameraViewOf(camera)?.stream.status === 'ACTIVE'),
        ]
      }
      case 'camera.disconnected': {
        const { camera, reason } = fact
        return [
          plain('camera.disconnected', { device: camera, status: 'DISCONNECTED', reason }),
          wholeCamera(camera, 'DISCONNECTED'),
          path(camera, 'mediamtx.path', false, reason),
        ]
      }
      case 'camera.statusChanged': {
        const { camera, name, from, to, reason } = fact
        return [plain('camera.status_change', given({ device: camera, name, old_status: from, new_status: to, status: to, reason })), wholeCamera(camera, to)]
      }
      case 'camera.probed':
        return [plain('camera.capability_detected', { device: fact.camera, formats: fact.formats }), wholeCamera(fact.camera)]
      case 'camera.probeFailed':
        return [plain('camera.capability_error', { device: fact.camera, reason: fact.reason })]
      case 'camera.identityAmbiguous':
        return [
          plain('system.error', { component: 'camera_monitor', severity: 'warning', device: fact.camera, error: 'identity_ambiguous', reason: fact.reason }),
          wholeCamera(fact.camera),
        ]
      case 'camera.retired':
        return [plain('camera.status_change', { device: fact.camera, old_status: 'DISCONNECTED', new_status: 'DISCONNECTED', retired: true })]
      case 'recording.started': {
        const { camera, filename, startedAt, format } = fact
        const start_time = iso(startedAt)
        return [
          plain('recording.start', { device: camera, status: 'RECORDING', filename, duration: 0, start_time, format }),
          plain('mediamtx.recording_started', { device: camera, filename }),
          recordingUpdate(camera, 'RECORDING', { filename, duration: 0, startTime: start_time, format }),
        ]
      }
      case 'recording.interrupted': {
        const { camera, filename, reason } = fact
        const values = { device: camera, status: 'INTERRUPTED', filename, reason }
        // Nobody is to believe that a file grows when it does not: those who listen for errors only are told too.
        return [plain('recording.progress', values), plain('recording.error', values), recordingUpdate(camera, 'STARTING', { filename, reason })]
      }
      case 'recording.resumed': {
        const { camera, filename } = fact
        return [
          plain('recording.progress', { device: camera, status: 'RECORDING', filename, resumed: true }),
          recordingUpdate(camera, 'RECORDING', { filename }),
        ]
      }
      case 'recording.ended': {
        const { camera, outcome, at } = fact
        const values = endOf(camera, at, outcome)
        return [
          plain('recording.stop', { ...values, status: 'STOPPED' }),
          plain('mediamtx.recording_stopped', values),
          recordingUpdate(camera, 'STOPPED', legacyEndOf(outcome)),
        ]
      }
      case 'recording.failed': {
        const { camera, outcome, at } = fact
        const values = endOf(camera, at, outcome)
        return [
          plain('recording.error', { ...values, status: 'ERROR' }),
          plain('mediamtx.recording_failed', values),
          recordingUpdate(camera, 'ERROR', legacyEndOf(outcome)),
        ]
      }
      case 'snapshot.taken': {
        const { camera, filename, bytes, width, height, tier, capturedAt, age } = fact
        const resolution = sizeOf(fact)
        return [
          plain('snapshot.taken', {
            device: camera,
            status: 'SUCCESS',
            filename,
            resolution,
            file_size: bytes,
            width,
            height,
            tier,
            captured_at: iso(capturedAt),
            age_ms: Math.round(age),
          }),
        ]
      }
      case 'snapshot.failed':
        return [plain('snapshot.error', { device: fact.camera, status: 'FAILED', reason: fact.reason, passed_over: fact.passedOver })]
      case 'stream.started':
        return [path(fact.camera, 'mediamtx.stream_started', true), path(fact.camera, 'mediamtx.stream', true)]
      case 'stream.stalled':
        return [
          plain('mediamtx.error', { device: fact.camera, name: fact.camera, reason: `no frame for ${(fact.silentFor / 1000).toFixed(1)} s` }),
          path(fact.camera, 'mediamtx.stream', false, 'stalled'),
        ]
      case 'stream.ended':
        return [path(fact.camera, 'mediamtx.stream_stopped', false, fact.reason), path(fact.camera, 'mediamtx.stream', false, fact.reason)]
      case 'link.up':
        return health()
      case 'link.degraded':
      case 'link.down': {
        const state = fact.type === 'link.down' ? 'down' : 'degraded'
        return [plain('mediamtx.error', { component: 'mediamtx', state, reason: fact.reason }), ...health()]
      }
      case 'storage.ok':
      case 'storage.warning':
        return health()
      case 'storage.critical': {
        const reason = `the disk is ${Math.round(fact.percent)} % full`
        return [plain('system.error', { component: 'storage', severity: 'critical', reason, available_space: fact.available }), ...health()]
      }
      case 'system.started':
        return [plain('system.startup', { version: about.version, build_info: { version: about.version, build_date: about.buildDate } }), ...health()]
      case 'system.stopping':
        return [plain('system.shutdown', { reason: fact.reason })]
    }
  }
}
