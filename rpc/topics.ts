/** What a client may subscribe to. */
export const dottedTopics = [
  'camera.connected',
  'camera.disconnected',
  'camera.status_change',
  'camera.capability_detected',
  'camera.capability_error',
  'recording.start',
  'recording.stop',
  'recording.progress',
  'recording.error',
  'recording.deleted',
  'snapshot.taken',
  'snapshot.error',
  'snapshot.deleted',
  'storage.cleanup',
  'discovery.started',
  'discovery.progress',
  'discovery.found',
  'discovery.completed',
  'system.health',
  'system.error',
  'system.startup',
  'system.shutdown',
  'mediamtx.stream',
  'mediamtx.path',
  'mediamtx.error',
  'mediamtx.recording_started',
  'mediamtx.recording_stopped',
  'mediamtx.recording_failed',
  'mediamtx.stream_started',
  'mediamtx.stream_stopped',
] as const

/** The names that the web client asks for; their payloads are whole objects of its store. */
export const legacyTopics = ['camera_status_update', 'recording_status_update', 'system_health_update'] as const

export const topics = [...dottedTopics, ...legacyTopics] as const
export type Topic = (typeof topics)[number]

/** Least first. */
export const severities = ['info', 'warning', 'error', 'critical'] as const
export type Severity = (typeof severities)[number]

/** `device`: narrows facts of cameras to these; `severity`: the least that is told. */
export interface Filters {
  device?: string | string[]
  severity?: Severity
}

/** Facts that concern no camera pass every filter of `device`. */
export const passes = (
  filters: Filters | undefined,
  { camera, severity }: { camera?: string; severity: Severity },
): boolean => {
  if (filters === undefined) return true
  const { device, severity: least } = filters
  if (least !== undefined && severities.indexOf(severity) < severities.indexOf(least)) return false
  if (device === undefined || camera === undefined) return true
  return Array.isArray(device) ? device.includes(camera) : device === camera
}
