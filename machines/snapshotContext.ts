import type { By } from './domain/by.js'
import type { CameraId, Device, Pipeline } from './domain/camera.js'
import type { Picture, PictureOptions, SavedPicture } from './domain/capture.js'
import type { SnapshotFact } from './domain/facts.js'
import type { Reason } from './domain/reason.js'
import type { PassedOver, SnapshotTier } from './domain/views.js'

/** One caller's request. `maxAge`: maximum age of the picture in ms; 0: not older than the request. */
export interface SnapshotWish {
  by: By
  options: PictureOptions
  maxAge: number
}

export interface SnapshotInput {
  camera: CameraId
  device: Device
  pipeline: Pipeline
  /** The camera streams now, so its device is busy. */
  live: boolean
  skipFrames?: number | 'auto'
  wish: SnapshotWish
}

export type SnapshotEvent =
  | { type: 'snapshot.join'; wish: SnapshotWish }
  | { type: 'device.removed'; reason: Reason }
  | { type: 'service.stopping' }

export interface SnapshotContext extends Omit<SnapshotInput, 'wish'> {
  /** Requests that the present capture serves. */
  wishes: SnapshotWish[]
  /** Requests that arrived too late for the present capture: the next one serves them. */
  late: SnapshotWish[]
  passedOver: PassedOver[]
  /** Why the media server was lost while a stream was waited for. */
  loss?: Reason | undefined
  /** Why the last capture served nobody, or not all. */
  failure?: Reason | undefined
}

/** `reason`: why the last capture served nobody, or not all. */
export interface SnapshotOutput {
  reason?: Reason
}

export interface Captured extends Picture {
  tier: SnapshotTier
}

/** The result of one request. `finishedAt`: when the picture was on disk. */
export type Saved = { wish: SnapshotWish } & ({ picture: SavedPicture; finishedAt: number } | { reason: Reason })

type LostSnapshot = Extract<SnapshotFact, { type: 'snapshot.failed' | 'still.failed' }>

/** A shared capture must satisfy the strictest caller. */
export const oldestAllowed = ({ wishes }: SnapshotContext): number => Math.min(...wishes.map((wish) => wish.maxAge))

export const failureOf = (
  { camera, passedOver }: SnapshotContext,
  { by, options }: SnapshotWish,
  reason: Reason,
): LostSnapshot => ({ type: options.fleeting ? 'still.failed' : 'snapshot.failed', camera, by, reason, passedOver })

/** Returns one failure for each waiting caller. */
export const failures = (context: SnapshotContext, reason: Reason): LostSnapshot[] =>
  [...context.wishes, ...context.late].map((wish) => failureOf(context, wish, reason))

export function taken(
  { camera, passedOver }: SnapshotContext,
  { tier, capturedAt, skippedFrames }: Captured,
  { wish: { by, options }, picture, finishedAt }: Extract<Saved, { picture: SavedPicture }>,
): SnapshotFact {
  const { filename, file, bytes, width, height } = picture
  if (options.fleeting) return { type: 'still.taken', camera, by, file, bytes, tier, capturedAt }
  const age = Math.max(0, finishedAt - capturedAt)
  return {
    type: 'snapshot.taken',
    camera,
    by,
    filename,
    path: file,
    bytes,
    width,
    height,
    tier,
    capturedAt,
    age,
    ...(skippedFrames !== undefined && { skippedFrames }),
    passedOver,
  }
}
