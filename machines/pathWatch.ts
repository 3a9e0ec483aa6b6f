import { enqueueActions, setup } from 'xstate'
import type { CameraId } from './domain/camera.js'
import { type Drift, type DriftMemory, noDrift, planRepairs, reasonOfContest, reasonOfDrift } from './domain/drift.js'
import type { PathFact } from './domain/facts.js'
import type { Reason } from './domain/reason.js'
import { promiseHole } from './hole.js'

/** Sent to the parent: another program keeps changing paths; or none does any more. */
export type PathWatchNews = { type: 'paths.contested'; reason: Reason } | { type: 'paths.agreed' }

interface PathWatchContext extends DriftMemory {
  repairs: readonly Drift[]
  /** Monotonic time of the last comparison. */
  at: number
  /** The contested cameras that the parent knows of. Undefined: it has an older verdict, of a watch that crashed. */
  told: string | undefined
}

/** `isContested`: the parent's present state. */
export interface PathWatchInput {
  isContested: boolean
}

/**
 * Compares the paths of the media server with the wanted ones, and repairs each that differs once. If it differs again
 * within a minute, another program wants it otherwise: this service reports that instead of fighting.
 */
export const pathWatchMachine = setup({
  types: {
    input: {} as PathWatchInput,
    context: {} as PathWatchContext,
    emitted: {} as PathFact,
  },
  actors: {
    findDrift: promiseHole<{ at: number; drifts: Drift[] }>('findDrift'),
    repairPaths: promiseHole<void, { cameras: CameraId[] }>('repairPaths'),
  },
  guards: {
    hasRepairs: ({ context }) => context.repairs.length > 0,
  },
  actions: {
    plan: enqueueActions(({ context, enqueue, self }, { at, drifts }: { at: number; drifts: Drift[] }) => {
      const { memory, repairs, postponed } = planRepairs(context, drifts, at)
      enqueue.assign({ ...memory, repairs, at })
      for (const drift of postponed)
        enqueue.emit({ type: 'path.drifted', camera: drift.camera, reason: reasonOfDrift(drift, 'postponed') })
      const told = namesOf(memory.contested)
      if (!self._parent || told === context.told) return
      enqueue.assign({ told })
      const isContested = memory.contested.length > 0
      enqueue.sendTo(
        self._parent,
        isContested ? { type: 'paths.contested', reason: reasonOfContest(memory.contested) } : { type: 'paths.agreed' },
      )
    }),
    noteRepairs: enqueueActions(({ context: { repairs, repaired, at, contested }, enqueue }) => {
      enqueue.assign({ repaired: { ...repaired, ...Object.fromEntries(repairs.map(({ camera }) => [camera, at])) } })
      for (const drift of repairs)
        if (!contested.some(({ camera }) => camera === drift.camera))
          enqueue.emit({ type: 'path.drifted', camera: drift.camera, reason: reasonOfDrift(drift, 'repaired') })
    }),
  },
  delays: { interval: 5_000 },
}).createMachine({
  id: 'pathWatch',
  context: ({ input }) => ({ ...noDrift, repairs: [], at: 0, told: input.isContested ? undefined : '' }),
  initial: 'resting',
  states: {
    resting: { after: { interval: 'comparing' } },
    comparing: {
      invoke: {
        src: 'findDrift',
        onDone: { target: 'deciding', actions: { type: 'plan', params: ({ event }) => event.output } },
        // The health check of the link judges a server that does not answer.
        onError: 'resting',
      },
    },
    deciding: { always: [{ guard: 'hasRepairs', target: 'repairing' }, { target: 'resting' }] },
    repairing: {
      invoke: {
        src: 'repairPaths',
        input: ({ context: { repairs } }) => ({ cameras: repairs.map(({ camera }) => camera) }),
        onDone: { target: 'resting', actions: 'noteRepairs' },
        onError: 'resting',
      },
    },
  },
})

const namesOf = (drifts: readonly Drift[]): string => drifts.map(({ camera }) => camera).join()
