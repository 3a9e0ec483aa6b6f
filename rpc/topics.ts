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
  'snapshot.taken',
  'snapshot.error',
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

/** As the client gave them; `device` narrows facts of cameras, others are kept and told back. */
export type Filters = Record<string, string | number | boolean | string[]>

/** Facts that concern no camera pass every filter of `device`. */
export const passes = (filters: Filters | undefined, camera: string | undefined): boolean => {
  const device = filters?.device
  if (device === undefined || camera === undefined) return true
  return Array.isArray(device) ? device.includes(camera) : device === camera
}
