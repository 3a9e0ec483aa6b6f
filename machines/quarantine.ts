import { assign, emit, setup } from 'xstate'
import type { CameraId } from './domain/camera.js'
import type { QuarantineFact } from './domain/facts.js'
import type { Suspect } from './domain/files.js'
import { callbackHole, promiseHole } from './hole.js'

export type QuarantineEvent =
  /** The files of a camera's recording were closed. */
  { type: 'part.closed'; camera: CameraId } | QuarantineFact | { type: 'move.ended' }

interface QuarantineContext {
  /** The cameras of the present search; absent: all. */
  cameras?: readonly CameraId[] | undefined
  /** The cameras to look at next. */
  due: readonly CameraId[]
  suspects: readonly Suspect[]
}

/**
 * Moves recordings without media aside: after the start of the service, which may follow a crash, and after each
 * recording. A recorder creates its file before the first part, so a file is only moved if it does not change for the
 * stall limit.
 */
export const quarantineMachine = setup({
  types: {
    context: {} as QuarantineContext,
    events: {} as QuarantineEvent,
    emitted: {} as QuarantineFact,
  },
  actors: {
    findSuspects: promiseHole<Suspect[], { cameras?: readonly CameraId[] }>('findSuspects'),
    moveSuspects: callbackHole<{ suspects: readonly Suspect[] }>('moveSuspects'),
  },
  guards: {
    isSuspicious: (_, { suspects }: { suspects: Suspect[] }) => suspects.length > 0,
    hasDue: ({ context }) => context.due.length > 0,
  },
  actions: {
    noteDue: assign({
      due: ({ context: { due } }, { camera }: { camera: CameraId }) => (due.includes(camera) ? due : [...due, camera]),
    }),
    takeDue: assign(({ context: { due } }) => ({ cameras: due, due: [] })),
    takeSuspects: assign((_, { suspects }: { suspects: Suspect[] }) => ({ suspects })),
    dropSuspects: assign({ suspects: [] }),
    tell: emit((_, fact: QuarantineFact) => fact),
  },
  delays: { stallLimit: 3_000 },
}).createMachine({
  id: 'quarantine',
  context: { due: [], suspects: [] },
  initial: 'searching',
  on: { 'part.closed': { actions: { type: 'noteDue', params: ({ event }) => event } } },
  states: {
    searching: {
      invoke: {
        src: 'findSuspects',
        input: ({ context: { cameras } }) => ({ ...(cameras && { cameras }) }),
        onDone: [
          {
            guard: { type: 'isSuspicious', params: ({ event }) => ({ suspects: event.output }) },
            target: 'observing',
            actions: { type: 'takeSuspects', params: ({ event }) => ({ suspects: event.output }) },
          },
          { target: 'resting' },
        ],
        // The effect logs the error. In doubt nothing is moved.
        onError: 'resting',
      },
    },
    observing: { after: { stallLimit: 'moving' } },
    moving: {
      invoke: {
        src: 'moveSuspects',
        input: ({ context: { suspects } }) => ({ suspects }),
        onError: { target: 'resting', actions: 'dropSuspects' },
      },
      on: {
        'file.quarantined': { actions: { type: 'tell', params: ({ event }) => event } },
        'move.ended': { target: 'resting', actions: 'dropSuspects' },
      },
    },
    resting: { always: { guard: 'hasDue', target: 'searching', actions: 'takeDue' } },
  },
})
