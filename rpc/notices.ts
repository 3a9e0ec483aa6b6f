import type { EndedRecording, Fact, Told } from '../machines/domain/facts.js'
import type { CameraStatus } from '../machines/domain/views.js'
import type { RpcOptions } from './options.js'
import { cameraOf, given, iso, seconds, sizeOf, statusOf } from './present.js'
import type { Status } from './schemas.js'
import type { Severity, Topic } from './topics.js'
import type { StreamUrls } from './urls.js'

/** One fact in the words of one topic. `payload` is asked for only when somebody has subscribed. */
export interface Notice {
  topic: Topic
  severity: Severity
  /** Whose rights and filters decide who is told. */
  camera?: string
  /** It may concern what is no camera yet: not for callers who may use some cameras only. */
  unlimited?: true
  /** `urls`: those of the camera as the subscriber may use them. */
  payload: (urls: StreamUrls) => object
  /** It holds URLs, which differ from one subscriber to the next. */
  hasUrls?: true
  /** It tells how things are, not what happened: when told again, it is told of now. */
  isState?: true
}

type Sources = Pick<RpcOptions, 'directory' | 'clock' | 'about'>

/** A recording that was refused before any file has no end of its own: it ended when that was told. */
const endOf = (
  camera: string,
  at: number,
  { reason, files, startedAt, endedAt, recorded, bytes, format }: EndedRecording,
) =>
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
  given({
    filename: files[0] ?? '',
    duration: seconds(recorded),
    format,
    reason,
    startTime: startedAt === undefined ? undefined : iso(startedAt),
  })

const severityOfCamera: Record<CameraStatus, Severity> = { CONNECTED: 'info', DISCONNECTED: 'warning', ERROR: 'error' }
const severityOfHealth: Record<Status['status'], Severity> = {
  HEALTHY: 'info',
  DEGRADED: 'warning',
  UNHEALTHY: 'error',
}

/** Views are made when somebody wants to be told, and then once. */
const once = <T>(make: () => T): (() => T) => {
  let made: { value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/**
 * Which topics tell of a fact, and how: at most one notice a topic. The three legacy names carry whole objects of the
 * web client's store; the dotted ones what the documents say, and more.
 */
export const createNotices = (sources: Sources) => {
  const { directory, about } = sources

  const cameraViewOf = (camera: string) => directory.cameras().find(({ id }) => id === camera)

  const plain = (topic: Topic, severity: Severity, values: object): Notice => ({
    topic,
    severity,
    payload: () => values,
  })
  const discovery = (topic: Topic, severity: Severity, values: object): Notice => ({
    ...plain(topic, severity, values),
    unlimited: true,
  })
  const ofCamera = (topic: Topic, severity: Severity, camera: string, values: object): Notice => ({
    topic,
    severity,
    camera,
    payload: () => ({ device: camera, ...values }),
  })

  const wholeCamera = (camera: string, status?: CameraStatus): Notice => {
    const told = once(() => {
      const view = cameraViewOf(camera)
      return view === undefined || status === undefined ? view : { ...view, status }
    })
    const gone = { device: camera, id: camera, status: status ?? 'DISCONNECTED', streams: {} }
    return {
      topic: 'camera_status_update',
      get severity() {
        return severityOfCamera[told()?.status ?? 'DISCONNECTED']
      },
      camera,
      hasUrls: true,
      isState: true,
      payload: (urls) => {
        const view = told()
        return view === undefined ? gone : cameraOf(view, urls)
      },
    }
  }

  const path = (camera: string, topic: Topic, severity: Severity, ready: boolean, reason?: string): Notice => ({
    topic,
    severity,
    camera,
    ...(topic === 'mediamtx.path' && { isState: true }),
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
    const status = once(() => statusOf(sources))
    const notice = (topic: Topic): Notice => ({
      topic,
      get severity() {
        return severityOfHealth[status().status]
      },
      isState: true,
      payload: status,
    })
    return [notice('system.health'), notice('system_health_update')]
  }

  const recordingUpdate = (
    camera: string,
    severity: Severity,
    status: 'RECORDING' | 'STOPPED' | 'ERROR' | 'STARTING',
    values: object,
  ) => ofCamera('recording_status_update', severity, camera, { status, ...values })

  return (fact: Told<Fact>): Notice[] => {
    switch (fact.type) {
      case 'camera.connected': {
        const { camera, name } = fact
        return [
          ofCamera('camera.connected', 'info', camera, { name, status: 'CONNECTED' }),
          wholeCamera(camera, 'CONNECTED'),
          path(camera, 'mediamtx.path', 'info', cameraViewOf(camera)?.stream.status === 'ACTIVE'),
        ]
      }
      case 'camera.disconnected': {
        const { camera, reason } = fact
        return [
          ofCamera('camera.disconnected', 'warning', camera, { status: 'DISCONNECTED', reason }),
          wholeCamera(camera, 'DISCONNECTED'),
          path(camera, 'mediamtx.path', 'warning', false, reason),
        ]
      }
      case 'camera.statusChanged': {
        const { camera, name, from, to, reason } = fact
        const values = given({ name, old_status: from, new_status: to, status: to, reason })
        return [ofCamera('camera.status_change', severityOfCamera[to], camera, values), wholeCamera(camera, to)]
      }
      case 'camera.probed':
        return [
          ofCamera('camera.capability_detected', 'info', fact.camera, { formats: fact.formats }),
          wholeCamera(fact.camera),
        ]
      case 'camera.probeFailed':
        return [ofCamera('camera.capability_error', 'error', fact.camera, { reason: fact.reason })]
      case 'camera.identityAmbiguous': {
        const { camera, reason } = fact
        return [
          ofCamera('system.error', 'warning', camera, {
            component: 'camera_monitor',
            error: 'identity_ambiguous',
            reason,
          }),
          wholeCamera(camera),
        ]
      }
      case 'camera.retired':
        return [
          ofCamera('camera.status_change', 'info', fact.camera, {
            old_status: 'DISCONNECTED',
            new_status: 'DISCONNECTED',
            retired: true,
          }),
        ]
      case 'recording.started': {
        const { camera, filename, startedAt, format } = fact
        const start_time = iso(startedAt)
        return [
          ofCamera('recording.start', 'info', camera, {
            status: 'RECORDING',
            filename,
            duration: 0,
            start_time,
            format,
          }),
          ofCamera('mediamtx.recording_started', 'info', camera, { filename }),
          recordingUpdate(camera, 'info', 'RECORDING', { filename, duration: 0, startTime: start_time, format }),
        ]
      }
      case 'recording.interrupted': {
        const { camera, filename, reason } = fact
        const values = { status: 'INTERRUPTED', filename, reason }
        // Nobody is to believe that a file grows when it does not: those who listen for errors only are told too.
        return [
          ofCamera('recording.progress', 'warning', camera, values),
          ofCamera('recording.error', 'warning', camera, values),
          recordingUpdate(camera, 'warning', 'STARTING', { filename, reason }),
        ]
      }
      case 'recording.resumed': {
        const { camera, filename } = fact
        return [
          ofCamera('recording.progress', 'info', camera, { status: 'RECORDING', filename, resumed: true }),
          recordingUpdate(camera, 'info', 'RECORDING', { filename }),
        ]
      }
      case 'recording.ended': {
        const { camera, outcome, at } = fact
        const values = endOf(camera, at, outcome)
        return [
          ofCamera('recording.stop', 'info', camera, { ...values, status: 'STOPPED' }),
          ofCamera('mediamtx.recording_stopped', 'info', camera, values),
          recordingUpdate(camera, 'info', 'STOPPED', legacyEndOf(outcome)),
        ]
      }
      case 'recording.failed': {
        const { camera, outcome, at } = fact
        const values = endOf(camera, at, outcome)
        return [
          ofCamera('recording.error', 'error', camera, { ...values, status: 'ERROR' }),
          ofCamera('mediamtx.recording_failed', 'error', camera, values),
          recordingUpdate(camera, 'error', 'ERROR', legacyEndOf(outcome)),
        ]
      }
      case 'snapshot.taken': {
        const { camera, filename, bytes, width, height, tier, capturedAt, age } = fact
        return [
          ofCamera('snapshot.taken', 'info', camera, {
            status: 'SUCCESS',
            filename,
            resolution: sizeOf(fact),
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
        return [
          ofCamera('snapshot.error', 'error', fact.camera, {
            status: 'FAILED',
            reason: fact.reason,
            passed_over: fact.passedOver,
          }),
        ]
      case 'stream.started':
        return [
          path(fact.camera, 'mediamtx.stream_started', 'info', true),
          path(fact.camera, 'mediamtx.stream', 'info', true),
        ]
      case 'stream.stalled': {
        const { camera, silentFor } = fact
        return [
          ofCamera('mediamtx.error', 'warning', camera, {
            name: camera,
            reason: `no frame for ${(silentFor / 1000).toFixed(1)} s`,
          }),
          path(camera, 'mediamtx.stream', 'warning', false, 'stalled'),
        ]
      }
      case 'stream.ended': {
        const { camera, reason } = fact
        return [
          path(camera, 'mediamtx.stream_stopped', 'info', false, reason),
          path(camera, 'mediamtx.stream', 'info', false, reason),
        ]
      }
      case 'link.up':
        return health()
      case 'link.degraded':
        return [
          plain('mediamtx.error', 'warning', { component: 'mediamtx', state: 'degraded', reason: fact.reason }),
          ...health(),
        ]
      case 'link.down':
        return [
          plain('mediamtx.error', 'error', { component: 'mediamtx', state: 'down', reason: fact.reason }),
          ...health(),
        ]
      case 'storage.ok':
      case 'storage.warning':
        return health()
      case 'storage.critical': {
        const reason = `the disk is ${Math.round(fact.percent)} % full`
        return [
          plain('system.error', 'critical', { component: 'storage', reason, available_space: fact.available }),
          ...health(),
        ]
      }
      case 'file.deleted': {
        const { camera, kind, name, bytes, reason } = fact
        const topic = kind === 'recordings' ? 'recording.deleted' : 'snapshot.deleted'
        return [ofCamera(topic, 'info', camera, { filename: name, file_size: bytes, reason })]
      }
      case 'retention.swept': {
        const { files, freed, kept, reason } = fact
        // Counts only: the names are those of cameras that not everybody may use.
        const values = given({ files_deleted: files, space_freed: freed, files_kept: kept.length, reason })
        return [plain('storage.cleanup', kept.length > 0 || reason !== undefined ? 'warning' : 'info', values)]
      }
      // The setting of one who may, not something that happened: the audit log tells of it.
      case 'retention.policySet':
      case 'externalStream.added':
      case 'externalStream.unchanged':
      case 'externalStream.removed':
      case 'externalStream.refused':
      case 'externalDiscovery.intervalSet':
      case 'mediaSession.ended':
      case 'actor.failed':
        return []
      case 'discovery.started':
        return [discovery('discovery.started', 'info', { skydio_enabled: fact.skydio, generic_enabled: fact.generic })]
      case 'discovery.progress':
        return [discovery('discovery.progress', 'info', { done: fact.done, total: fact.total })]
      case 'discovery.found':
        return [discovery('discovery.found', 'info', { url: fact.url, name: fact.name })]
      case 'discovery.ended': {
        const { found, took, errors } = fact
        return [
          discovery('discovery.completed', errors.length > 0 ? 'warning' : 'info', {
            total_found: found,
            scan_duration_ms: Math.round(took),
            errors,
          }),
        ]
      }
      case 'system.started': {
        const { version, buildDate } = about
        return [
          plain('system.startup', 'info', { version, build_info: { version, build_date: buildDate } }),
          ...health(),
        ]
      }
      case 'system.stopping':
        return [plain('system.shutdown', 'info', { reason: fact.reason })]
    }
  }
}
