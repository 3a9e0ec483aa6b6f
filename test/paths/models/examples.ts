/** Examples that several machines share. */
import type { By } from '../../../machines/domain/by.js'
import type { CameraId } from '../../../machines/domain/camera.js'
import type { CameraEntry } from '../../../machines/domain/ports.js'
import { because, Failure, type ReasonCode } from '../../../machines/domain/reason.js'
import type { Outcome } from '../model.js'

export const camera: CameraId = 'camera0'
export const ann: By = { user: 'ann', request: '1', session: 'a' }
export const bob: By = { user: 'bob', request: '2', session: 'b' }

/** A promise without a result resolves. */
export const resolves: Outcome = { done: undefined }
/** A bug. */
export const crashes: Outcome = { error: new Error('a bug') }
export const fails = (code: ReasonCode): Outcome => ({ error: new Failure(code) })
export const sends = (type: string, parts: object = {}): Outcome => ({ event: { type, ...parts } })

export const lost = because('unplugged')
export const full = because('storage_full')
export const down = because('server_unreachable')

export const yard: CameraEntry = {
  name: 'yard',
  source: { kind: 'rtsp', url: 'rtsp://10.0.0.9/live' },
  enabled: true,
  settings: {},
}
export const demo: CameraEntry = { name: 'demo', source: { kind: 'virtual' }, enabled: true, settings: {} }
