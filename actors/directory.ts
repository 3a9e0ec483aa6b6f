import type { CameraView, LinkView, StorageView, SystemView } from '../machines/domain/views.js'

/** What may be read of the running actors, at once and without side effects. */
export interface Directory {
  /** By number, unplugged ones included, retired ones not. */
  cameras(): CameraView[]
  /** Throws ServiceError `notFound`. */
  camera(id: string): CameraView
  link(): LinkView
  storage(): StorageView
  system(): SystemView
}
