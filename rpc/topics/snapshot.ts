import * as Type from 'typebox'
import { iso, passedOverOf, sizeOf } from '../present.js'
import { reasonFields, reasonShape } from '../reason.js'
import { Count, PassedOver, Tier, Time } from '../schemas.js'
import { cameraParamsOf, notice, topic } from './topic.js'

const taken = topic({
  name: 'snapshot.taken',
  summary: 'a snapshot was taken',
  params: cameraParamsOf({
    status: Type.Literal('SUCCESS'),
    filename: Type.String(),
    resolution: Type.String(),
    file_size: Count,
    width: Count,
    height: Count,
    tier: Tier,
    captured_at: Time,
    age_ms: Count,
  }),
  from: {
    'snapshot.taken': ({ filename, bytes, width, height, tier, capturedAt, age }) =>
      notice('info', {
        status: 'SUCCESS',
        filename,
        resolution: sizeOf({ width, height }),
        file_size: bytes,
        width,
        height,
        tier,
        captured_at: iso(capturedAt),
        age_ms: Math.round(age),
      }),
  },
})

const error = topic({
  name: 'snapshot.error',
  summary: 'no tier gave a snapshot',
  params: cameraParamsOf({ status: Type.Literal('FAILED'), ...reasonShape, passed_over: PassedOver }),
  from: {
    'snapshot.failed': ({ reason, passedOver }) =>
      notice('error', { status: 'FAILED', ...reasonFields(reason), passed_over: passedOverOf(passedOver) }),
  },
})

export const snapshotTopics = [taken, error] as const
