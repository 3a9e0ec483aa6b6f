/**
 * States that only poll, by machine: the journal shows the state around them, because a health check each second would
 * push everything else out. `a.*`: all states in `a`. A test checks that each exists.
 */
export const quietStates: Readonly<Record<string, readonly string[]>> = {
  camera: [
    'alive.connection.away.unplugged.*',
    'alive.connection.away.unreachable.waiting',
    'alive.connection.away.unreachable.retrying',
    'alive.connection.faulty.waiting',
    'alive.connection.faulty.retrying',
    // The snapshot itself has entries.
    'alive.connection.online.snapshot.*',
    'alive.connection.online.load.choosing',
  ],
  clockWatch: ['reading', 'waiting'],
  demand: ['held.expiry.*'],
  discovery: ['scanning.*'],
  externalDiscovery: ['idle.choosing', 'idle.waiting', 'idle.onDemand'],
  indexing: ['settling', 'searching', 'choosing', 'resting'],
  keyframes: ['*'],
  mediamtxLink: ['connecting.*', 'down.*', 'up.health.*', 'degraded.doubted.*'],
  mediaSessions: ['*'],
  pathWatch: ['resting', 'comparing', 'deciding'],
  pipeline: ['starting.*', 'running.*', 'overloaded.*', 'stalled.*', 'ending.*'],
  pull: ['asleep.*', 'running.*', 'stalled.*'],
  quarantine: ['searching', 'observing', 'resting'],
  retention: ['sweeps.idle.*', 'sweeps.checking', 'clock.*'],
  serverProcess: ['running.up.fresh', 'running.up.answering'],
  source: ['answering.*', 'silent.*'],
  storage: ['measurement.*'],
}

/** Returns how the journal shows a state; `undefined`: not at all. */
export function shownState(machine: string, leaf: string): string | undefined {
  for (const pattern of quietStates[machine] ?? []) {
    if (pattern === '*') return undefined
    const isAll = pattern.endsWith('.*')
    const path = isAll ? pattern.slice(0, -2) : pattern
    const isIt = leaf === path || (isAll && leaf.startsWith(`${path}.`))
    if (isIt) return isAll ? path : path.slice(0, Math.max(0, path.lastIndexOf('.'))) || 'idle'
  }
  return leaf
}
