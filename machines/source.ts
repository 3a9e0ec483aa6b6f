import { assign, setup } from 'xstate'
import { type Reason, reasonFrom } from './domain/reason.js'
import { promiseHole } from './hole.js'

export interface SourceInput {
  url: string
  /** Added by a client: the address is checked before each connection. */
  added?: true
}

/**
 * Checks periodically whether a network camera answers. After two missing answers in a row the camera is lost. The
 * output is the reason.
 */
export const sourceMachine = setup({
  types: { input: {} as SourceInput, context: {} as SourceInput & { reason: Reason }, output: {} as Reason },
  actors: { describeSource: promiseHole<void, SourceInput>('describeSource') },
  guards: { isForbidden: (_, { error }: { error: unknown }) => reasonFrom(error).code === 'address_refused' },
  actions: { giveReason: assign({ reason: (_, { error }: { error: unknown }) => reasonFrom(error, 'unreachable') }) },
  delays: { interval: 5_000 },
}).createMachine({
  id: 'source',
  context: ({ input }) => ({ ...input, reason: { code: 'unreachable', details: '' } }),
  output: ({ context }) => context.reason,
  initial: 'answering',
  states: {
    answering: {
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'asking' } },
        asking: {
          invoke: {
            src: 'describeSource',
            input: ({ context }) => context,
            onDone: 'waiting',
            onError: [
              {
                guard: { type: 'isForbidden', params: ({ event }) => event },
                target: '#source.lost',
                actions: { type: 'giveReason', params: ({ event }) => event },
              },
              { target: '#source.silent' },
            ],
          },
        },
      },
    },
    silent: {
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'asking' } },
        asking: {
          invoke: {
            src: 'describeSource',
            input: ({ context }) => context,
            onDone: '#source.answering',
            onError: { target: '#source.lost', actions: { type: 'giveReason', params: ({ event }) => event } },
          },
        },
      },
    },
    lost: { type: 'final' },
  },
})
