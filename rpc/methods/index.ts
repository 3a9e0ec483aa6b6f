import type { Method } from '../method.js'
import { cameraMethods } from './cameras.js'
import { eventMethods } from './events.js'
import { fileMethods } from './files.js'
import { recordingMethods } from './recordings.js'
import { sessionMethods } from './session.js'
import { snapshotMethods } from './snapshots.js'
import { streamMethods } from './streams.js'
import { systemMethods } from './system.js'

/** The whole API. */
export const methods: readonly Method[] = [
  ...sessionMethods,
  ...cameraMethods,
  ...snapshotMethods,
  ...recordingMethods,
  ...fileMethods,
  ...streamMethods,
  ...eventMethods,
  ...systemMethods,
]
