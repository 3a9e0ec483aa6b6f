import { assign, setup } from 'xstate'
import type { UsbDevice } from './domain/camera.js'
import { reasonOf } from './domain/errors.js'
import { callbackHole, promiseHole } from './hole.js'

export type DiscoveryEvent = { type: 'watch.started'; mode: 'udev' | 'devfs' } | { type: 'devices.hint' }

interface DiscoveryContext {
  /** What is plugged in, as of the last scan; absent before the first. */
  devices?: UsbDevice[]
  mode: 'udev' | 'devfs' | 'off'
  reason?: string | undefined
}

/**
 * Which USB cameras are plugged in. Events only hint that it is time to look; a look is always a full scan, and a slow
 * poll looks anyway, so that a lost event costs seconds and never a camera.
 */
export const discoveryMachine = setup({
  types: {
    input: {} as { pollEvery: number },
    context: {} as DiscoveryContext & { pollEvery: number },
    events: {} as DiscoveryEvent,
  },
  actors: {
    watchDevices: callbackHole('watchDevices'),
    scanDevices: promiseHole<UsbDevice[]>('scanDevices'),
  },
  actions: {
    keepMode: assign({ mode: (_, { mode }: { mode: 'udev' | 'devfs' }) => mode }),
    keepDevices: assign((_, devices: UsbDevice[]) => ({ devices, reason: undefined })),
    noteFailure: assign({ reason: (_, { reason }: { reason: string }) => reason }),
  },
  delays: { pollEvery: ({ context }) => context.pollEvery },
}).createMachine({
  id: 'discovery',
  context: ({ input }) => ({ ...input, mode: 'off' }),
  invoke: { src: 'watchDevices' },
  on: { 'watch.started': { actions: { type: 'keepMode', params: ({ event }) => event } } },
  initial: 'scanning',
  states: {
    scanning: {
      invoke: {
        src: 'scanDevices',
        onDone: { target: 'waiting', actions: { type: 'keepDevices', params: ({ event }) => event.output } },
        onError: {
          target: 'waiting',
          actions: { type: 'noteFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
      // A hint during a scan may be of something that the scan has already passed.
      on: { 'devices.hint': { target: 'scanning', reenter: true } },
    },
    waiting: {
      after: { pollEvery: 'scanning' },
      on: { 'devices.hint': 'scanning' },
    },
  },
})
