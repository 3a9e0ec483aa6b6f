import type { Method } from '../method.js'
import { actorMethods } from './actors.js'
import { auditMethods } from './audit.js'
import { cameraMethods } from './cameras.js'
import { configurationMethods } from './configuration.js'
import { discoverMethods } from './discover.js'
import { eventMethods } from './events.js'
import { externalMethods } from './external.js'
import { fileMethods } from './files.js'
import { historyMethods } from './history.js'
import { keyMethods } from './keys.js'
import { loggingMethods } from './logging.js'
import { metricMethods } from './metrics.js'
import { recordingMethods } from './recordings.js'
import { retentionMethods } from './retention.js'
import { sessionMethods } from './session.js'
import { sessionAdminMethods } from './sessions.js'
import { simulationMethods } from './simulation.js'
import { snapshotMethods } from './snapshots.js'
import { streamMethods } from './streams.js'
import { supportMethods } from './support.js'
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
  ...externalMethods,
  ...systemMethods,
  ...simulationMethods,
  ...metricMethods,
  ...retentionMethods,
  ...sessionAdminMethods,
  ...keyMethods,
  ...auditMethods,
  ...historyMethods,
  ...configurationMethods,
  ...supportMethods,
  ...loggingMethods,
  ...actorMethods,
  ...discoverMethods,
]
