/** Which recordings stop first when the disk is nearly full, and which continue first. */
import { type CameraId, cameraNumber } from './camera.js'

export interface Contender {
  id: CameraId
  /** The higher one stays longer. */
  priority: number
  /** Its recording runs, or would run if the disk had room. */
  isWanted: boolean
  /** It may not record. */
  isBlocked: boolean
}

/**
 * Returns the cameras to block and to allow while the disk is nearly full. The recordings of the highest priority go on
 * until it is full. Of the others the lowest is blocked, one with each call; cameras without a recording may not start.
 */
export function whileStrained(cameras: readonly Contender[]): { block: CameraId[]; allow: CameraId[] } {
  const highest = Math.max(Number.NEGATIVE_INFINITY, ...cameras.filter(isWanted).map(({ priority }) => priority))
  const isLower = ({ priority }: Contender) => priority < highest
  const lower = cameras.filter((camera) => isLower(camera) && !camera.isBlocked)
  const idle = lower.filter((camera) => !camera.isWanted)
  return {
    block: idsOf([...idle, ...lower.filter(isWanted).sort(byRank).slice(-1)]),
    allow: idsOf(cameras.filter((camera) => camera.isBlocked && !isLower(camera))),
  }
}

/** Returns the cameras to allow when there is room again: one recording with each call, the highest first. */
export function whileRelaxed(cameras: readonly Contender[]): { allow: CameraId[]; isSettled: boolean } {
  const blocked = cameras.filter((camera) => camera.isBlocked)
  const waiting = blocked.filter(isWanted).sort(byRank)
  const [first] = waiting
  const allowed = blocked.filter((camera) => camera === first || (!camera.isWanted && isBefore(camera, first)))
  return { allow: idsOf(allowed), isSettled: waiting.length === 0 }
}

const isWanted = (camera: Contender) => camera.isWanted
const idsOf = (cameras: readonly Contender[]) => cameras.map(({ id }) => id)

/** The highest priority first; of equal ones the camera that is known longer. */
const byRank = (one: Contender, other: Contender) =>
  other.priority - one.priority || cameraNumber(one.id) - cameraNumber(other.id)

const isBefore = ({ priority }: Contender, other: Contender | undefined) =>
  other === undefined || priority >= other.priority
