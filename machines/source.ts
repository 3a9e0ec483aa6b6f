import { assign, setup } from 'xstate'
import type { RtspAccess } from './domain/camera.js'
import { type Reason, reasonFrom } from './domain/reason.js'
import { promiseHole } from './hole.js'

export interface SourceInput extends RtspAccess {
  url: string
  /** Added by a client: the address is checked before each connection. */
  added?: true
}

interface SourceContext extends SourceInput {
  /** Number of answers since the camera was opened, or was silent. */
  answers: number
  reason: Reason
}

/**
 * Returns the time until the next question, in ms. A camera with an interval of its own is asked less and less, up to
 * that interval: each question may wake it.
 */
export const pauseOf = (
  { checkInterval = 0, answers }: Pick<SourceContext, 'checkInterval' | 'answers'>,
  usual: number,
) => (checkInterval > 0 ? Math.min(checkInterval, usual * 2 ** Math.min(answers, 20)) : usual)

/**
 * Checks periodically whether a network camera answers. After two missing answers in a row the camera is lost. The
 * output is the reason.
 */
export const sourceMachine = setup({
  types: { input: {} as SourceInput, context: {} as SourceContext, output: {} as Reason },
  actors: { describeSource: promiseHole<void, SourceInput>('describeSource') },
  guards: {
    isUnasked: ({ context }) => context.keepalive === 'off',
    isForbidden: (_, { error }: { error: unknown }) => reasonFrom(error).code === 'address_refused',
  },
  actions: {
    countAnswer: assign({ answers: ({ context }) => context.answers + 1 }),
    forgetAnswers: assign({ answers: 0 }),
    giveReason: assign({ reason: (_, { error }: { error: unknown }) => reasonFrom(error, 'unreachable') }),
  },
  delays: { interval: ({ context }) => pauseOf(context, 5_000), repeat: 5_000 },
}).createMachine({
  id: 'source',
  context: ({ input }) => ({ ...input, answers: 0, reason: { code: 'unreachable', details: '' } }),
  output: ({ context }) => context.reason,
  initial: 'deciding',
  states: {
    deciding: { always: [{ guard: 'isUnasked', target: 'unasked' }, { target: 'answering' }] },
    // The stream tells when the camera is lost.
    unasked: {},
    answering: {
      initial: 'waiting',
      states: {
        waiting: { after: { interval: 'asking' } },
        asking: {
          invoke: {
            src: 'describeSource',
            input: ({ context }) => context,
            onDone: { target: 'waiting', actions: 'countAnswer' },
            onError: [
              {
                guard: { type: 'isForbidden', params: ({ event }) => event },
                target: '#source.lost',
                actions: { type: 'giveReason', params: ({ event }) => event },
              },
              { target: '#source.silent', actions: 'forgetAnswers' },
            ],
          },
        },
      },
    },
    silent: {
      initial: 'waiting',
      states: {
        waiting: { after: { repeat: 'asking' } },
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
