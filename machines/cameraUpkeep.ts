import type { DoneActorEvent, ErrorActorEvent } from 'xstate'
import type { CameraContext } from './cameraContext.js'
import { onDevice, type Probed } from './cameraParts.js'
import { because, type Reason } from './domain/reason.js'

const reconnect = (...reason: Parameters<typeof because>) =>
  ({ type: 'reconnect', params: { reason: because(...reason) } }) as const

/**
 * The region of an `online` camera that probes it again when its stream fails because of the format: a grabber lists
 * other formats when the signal at its input changes. If the stream would be another one, the camera reconnects. It
 * also reconnects without its hardware encoder, if that has failed.
 */
export const formatsRegion = {
  initial: 'kept',
  on: {
    'pipeline.encoderFailed': {
      guard: 'isOnHardware',
      actions: [
        { type: 'noteFailedEncoder', params: ({ event }: { event: { reason: Reason } }) => event.reason },
        'reconnectWithoutHardware',
      ],
    },
  },
  states: {
    kept: { on: { 'pipeline.misfit': 'asking' } },
    asking: {
      invoke: {
        src: 'probeDevice',
        input: ({ context }: { context: CameraContext }) => onDevice(context),
        onDone: [
          {
            guard: { type: 'isSamePipeline', params: ({ event }: { event: DoneActorEvent<Probed> }) => event.output },
            target: 'kept',
          },
          { target: 'kept', actions: reconnect('formats_changed') },
        ],
        onError: [
          {
            guard: { type: 'isWithoutSignal', params: ({ event }: { event: ErrorActorEvent }) => event },
            target: 'kept',
            actions: reconnect('no_signal'),
          },
          { target: 'kept' },
        ],
      },
    },
  },
} as const

/**
 * The region of an `online` camera that lowers the rate, then the size of an encoded stream for which the host is too
 * slow, if the configuration allows that, and raises them again later. Each step reconnects the camera.
 */
export const loadRegion = {
  initial: 'choosing',
  states: {
    choosing: { always: [{ guard: 'isEased', target: 'eased' }, { target: 'full' }] },
    full: {},
    eased: { after: { recovery: { target: 'full', actions: ['easeLess', reconnect('adapted')] } } },
  },
  on: { 'pipeline.overloaded': { guard: 'mayEase', actions: ['easeMore', reconnect('adapted')] } },
} as const
