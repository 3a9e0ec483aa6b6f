/** States of `pipeline` that check whether its process exists. */
import type { Presence } from './domain/capture.js'
import type { PipelineContext } from './pipelineContext.js'

/** A state that checks whether the process exists. If so, the state `alive` follows; else the failure tap is read. */
export const look = <
  Alive extends string,
  Gone extends 'hasEnded' | 'isAbsent',
  Action extends 'noteKilled' | 'noteFailed' | 'noteRestarted',
>(
  alive: Alive,
  gone: Gone,
  ...actions: Action[]
) =>
  ({
    invoke: {
      src: 'findProcess',
      input: ({ context }: { context: PipelineContext }) => context,
      onDone: [
        {
          guard: { type: gone, params: ({ event }: { event: { output: Presence } }) => ({ presence: event.output }) },
          target: '#pipeline.reporting',
          actions,
        },
        { target: alive },
      ],
      onError: alive,
    },
  }) as const

/** The inside of a state in which frames come. */
export const flow = {
  after: { stallLimit: 'stalled' },
  initial: 'flowing',
  states: {
    flowing: { after: { silence: 'looking' }, on: { 'pipeline.check': 'suspected' } },
    // Who receives its stream has lost it.
    suspected: { after: { glance: 'looking' } },
    looking: look('quiet', 'hasEnded', 'noteKilled'),
    quiet: { after: { recheck: 'looking' } },
  },
} as const
