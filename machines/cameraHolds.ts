import type { ActorRefFrom } from 'xstate'
import type { CameraContext, Drain } from './cameraContext.js'
import type { demandMachine, Holds } from './demand.js'
import type { ReasonCode } from './domain/reason.js'

/** Why a camera reconnects although it was not lost: those who hold its stream want the new one. */
const changesOfStream: ReadonlySet<ReasonCode> = new Set(['adapted', 'formats_changed', 'encoder_failed'])

type Kept = Pick<CameraContext, 'keptHolds'>

interface Holding {
  children: { demand?: ActorRefFrom<typeof demandMachine> | undefined }
  context: Kept
}

/** The holds on the stream, also while the camera reconnects. */
export const holdsOf = ({ children: { demand }, context: { keptHolds } }: Holding): Holds =>
  demand ? demand.getSnapshot().context.holds : (keptHolds ?? {})

/** The holds that a camera keeps when it drains. */
export const holdsAfter = (order: Drain, camera: Holding): Holds | undefined =>
  order.type === 'camera.lost' && changesOfStream.has(order.reason.code) ? holdsOf(camera) : undefined

/** A client releases a hold while the camera reconnects. */
export function withoutHolder({ keptHolds }: Kept, holder: string): Kept {
  if (keptHolds === undefined) return {}
  const { [holder]: _, ...others } = keptHolds
  return { keptHolds: others }
}
