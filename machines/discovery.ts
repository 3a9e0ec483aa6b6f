import { assign, enqueueActions, type SnapshotFrom, setup } from 'xstate'
import type { LocalDevice } from './domain/camera.js'
import { type Evidence, type Reason, reasonFrom } from './domain/reason.js'
import { callbackHole, promiseHole } from './hole.js'

export type DiscoveryEvent =
  | { type: 'watch.started'; mode: 'udev' | 'devfs' }
  | { type: 'devices.hint'; evidence?: Evidence }

/** Sent to the parent after each scan. */
export type DiscoveryNews = { type: 'devices.scanned'; devices: LocalDevice[] }

interface DiscoveryContext {
  pollEvery: number
  /** Why the last scan failed. */
  reason?: Reason | undefined
}

/**
 * Finds the USB cameras that are plugged in. Each event triggers a full scan. A slow poll scans too, so that a lost
 * event delays the detection of a camera but does not prevent it.
 */
export const discoveryMachine = setup({
  types: {
    input: {} as { pollEvery: number },
    context: {} as DiscoveryContext,
    events: {} as DiscoveryEvent,
    tags: {} as 'off' | 'udev' | 'devfs',
  },
  actors: { watchDevices: callbackHole('watchDevices'), scanDevices: promiseHole<LocalDevice[]>('scanDevices') },
  guards: { isUdev: (_, { mode }: { mode: 'udev' | 'devfs' }) => mode === 'udev' },
  actions: {
    tellDevices: enqueueActions(({ enqueue, self }, devices: LocalDevice[]) => {
      enqueue.assign({ reason: undefined })
      if (self._parent) enqueue.sendTo(self._parent, { type: 'devices.scanned', devices })
    }),
    noteFailure: assign({ reason: (_, { error }: { error: unknown }) => reasonFrom(error) }),
  },
  delays: { pollEvery: ({ context }) => context.pollEvery },
}).createMachine({
  id: 'discovery',
  context: ({ input }) => input,
  type: 'parallel',
  states: {
    watching: {
      invoke: { src: 'watchDevices' },
      initial: 'off',
      states: { off: { tags: 'off' }, udev: { tags: 'udev' }, devfs: { tags: 'devfs' } },
      on: {
        'watch.started': [
          { guard: { type: 'isUdev', params: ({ event }) => event }, target: '.udev' },
          { target: '.devfs' },
        ],
      },
    },
    scanning: {
      initial: 'busy',
      states: {
        busy: {
          invoke: {
            src: 'scanDevices',
            onDone: { target: 'waiting', actions: { type: 'tellDevices', params: ({ event }) => event.output } },
            onError: { target: 'waiting', actions: { type: 'noteFailure', params: ({ event }) => event } },
          },
          // A hint during a scan may concern a device that the scan has already passed.
          on: { 'devices.hint': { target: 'busy', reenter: true } },
        },
        waiting: { after: { pollEvery: 'busy' }, on: { 'devices.hint': 'busy' } },
      },
    },
  },
})

/** Returns how changes are detected. */
export const discoveryMode = ({ tags }: SnapshotFrom<typeof discoveryMachine>): 'udev' | 'devfs' | 'off' =>
  tags.has('udev') ? 'udev' : tags.has('devfs') ? 'devfs' : 'off'
