import type { AnyActorRef } from 'xstate'
import type { CameraSnapshot } from './cameraView.js'
import type { CameraId } from './domain/camera.js'
import type { Contender } from './domain/priorities.js'
import { because } from './domain/reason.js'
import type { FleetContext } from './fleetContext.js'

/** The reason of a recording that makes room for others. */
export const yields = because('storage_priority')

/** The cameras, as whose recordings stop and continue one after the other. */
export function contendersOf(
  { told, priority: usual = 0 }: FleetContext,
  children: Record<string, AnyActorRef | undefined>,
): Contender[] {
  return (Object.keys(told) as CameraId[]).flatMap((id) => {
    const camera: CameraSnapshot | undefined = children[id]?.getSnapshot()
    if (camera === undefined) return []
    const { settings, obstacles } = camera.context
    const recording = camera.children.recording?.getSnapshot()
    const isWanted = recording !== undefined && !notWriting.some((tag) => recording.hasTag(tag))
    const isBlocked = obstacles.storage !== undefined
    return [{ id, priority: settings.priority ?? usual, isWanted, isBlocked }]
  })
}

/** A recording with one of these tags would not write if the disk had room. */
const notWriting = ['stopping', 'stopped', 'suspended', 'failed', 'waitingForCamera', 'waitingForServer'] as const
