import type { Model } from '../model.js'
import { cameras } from './camera.js'
import { configurations } from './configuration.js'
import { discoveries } from './discovery.js'
import { fleets } from './fleet.js'
import { recordings } from './recording.js'
import { server } from './server.js'
import { simulations } from './simulation.js'
import { storages } from './storage.js'
import { streams } from './streams.js'

export const models: readonly Model[] = [
  ...fleets,
  ...cameras,
  ...streams,
  ...recordings,
  ...server,
  ...discoveries,
  ...storages,
  ...configurations,
  ...simulations,
]
