import { assign, emit, type NonReducibleUnknown, type SnapshotFrom, setup } from 'xstate'
import { reasonOf } from './domain/errors.js'
import type { LinkFact } from './domain/facts.js'
import type { ServerInfo } from './domain/ports.js'
import type { LinkView } from './domain/views.js'
import { callbackHole, promiseHole } from './hole.js'

export type LinkEvent =
  | { type: 'breaker.opened' | 'breaker.halfOpened' | 'breaker.closed' }
  /** Somebody saw the server go, or come: look now. */
  | { type: 'link.check' }

interface LinkContext {
  info?: ServerInfo
  paths: number
  reason?: string | undefined
  failures: number
}

/**
 * Whether the media server can be reached and holds our paths. `syncing` puts every wanted path there whole; a server
 * that was started anew has lost them all, which `started` of its info tells. `degraded` is a server that answers, but
 * badly: the breaker of the other calls is open, or a check failed once.
 */
export const mediamtxLinkMachine = setup({
  types: {
    context: {} as LinkContext,
    events: {} as LinkEvent,
    emitted: {} as LinkFact,
  },
  actors: {
    askInfo: promiseHole<ServerInfo>('askInfo'),
    syncPaths: promiseHole<number>('syncPaths'),
    watchBreaker: callbackHole<NonReducibleUnknown>('watchBreaker'),
  },
  guards: {
    isRestarted: ({ context }, info: ServerInfo) => context.info?.started !== info.started,
    isLost: ({ context }) => context.failures >= 2,
  },
  actions: {
    keepInfo: assign({ info: (_, info: ServerInfo) => info, failures: 0 }),
    keepPaths: assign((_, { paths }: { paths: number }) => ({ paths, failures: 0, reason: undefined })),
    noteFailure: assign(({ context }, { reason }: { reason: string }) => ({ reason, failures: context.failures + 1 })),
    giveReason: assign({ reason: (_, { reason }: { reason: string }) => reason }),
    tellUp: emit(({ context: { info, paths } }) => ({ type: 'link.up', version: info?.version ?? '', paths })),
    tellDown: emit(({ context: { reason = 'no answer' } }) => ({ type: 'link.down', reason })),
    tellDegraded: emit(({ context: { reason = 'no answer' } }) => ({ type: 'link.degraded', reason })),
  },
  delays: {
    /** 0.1 s, 0.2 s, 0.4 s … 5 s: a child of ours answers within 0.1 s of its start. */
    retry: ({ context }) => Math.min(5_000, 100 * 2 ** Math.min(context.failures, 6)),
    interval: 1_000,
  },
}).createMachine({
  id: 'mediamtxLink',
  context: { paths: 0, failures: 0 },
  invoke: { src: 'watchBreaker' },
  initial: 'down',
  states: {
    down: {
      initial: 'asking',
      states: {
        asking: {
          invoke: {
            src: 'askInfo',
            onDone: { target: '#syncing', actions: { type: 'keepInfo', params: ({ event }) => event.output } },
            onError: {
              target: 'waiting',
              actions: { type: 'noteFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
            },
          },
        },
        waiting: { after: { retry: 'asking' }, on: { 'link.check': 'asking' } },
      },
    },
    syncing: {
      id: 'syncing',
      invoke: {
        src: 'syncPaths',
        onDone: {
          target: 'up',
          actions: [{ type: 'keepPaths', params: ({ event }) => ({ paths: event.output }) }, 'tellUp'],
        },
        onError: {
          target: 'down.waiting',
          actions: { type: 'noteFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
        },
      },
    },
    up: {
      initial: 'resting',
      states: {
        resting: { after: { interval: 'checking' }, on: { 'link.check': 'checking' } },
        checking: {
          invoke: {
            src: 'askInfo',
            onDone: [
              {
                guard: { type: 'isRestarted', params: ({ event }) => event.output },
                target: '#syncing',
                actions: [
                  { type: 'giveReason', params: { reason: 'the media server was restarted' } },
                  'tellDown',
                  { type: 'keepInfo', params: ({ event }) => event.output },
                ],
              },
              { target: 'resting' },
            ],
            onError: {
              target: '#degraded',
              actions: [
                { type: 'noteFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
                'tellDegraded',
              ],
            },
          },
        },
      },
      on: {
        'breaker.opened': {
          target: 'degraded',
          actions: [
            { type: 'giveReason', params: { reason: 'too many calls failed: the breaker is open' } },
            'tellDegraded',
          ],
        },
      },
    },
    degraded: {
      id: 'degraded',
      initial: 'resting',
      states: {
        resting: { after: { retry: 'checking' }, on: { 'link.check': 'checking', 'breaker.closed': 'checking' } },
        checking: {
          invoke: {
            src: 'askInfo',
            // Whatever was wrong may have kept a change from arriving: put all paths there again.
            onDone: { target: '#syncing', actions: { type: 'keepInfo', params: ({ event }) => event.output } },
            onError: {
              target: 'judging',
              actions: { type: 'noteFailure', params: ({ event }) => ({ reason: reasonOf(event.error) }) },
            },
          },
        },
        judging: {
          always: [
            { guard: 'isLost', target: '#mediamtxLink.down.waiting', actions: 'tellDown' },
            { target: 'resting' },
          ],
        },
      },
    },
  },
})

export const linkView = ({ context: { reason }, value }: SnapshotFrom<typeof mediamtxLinkMachine>): LinkView => {
  const state = typeof value === 'string' ? value : (Object.keys(value)[0] ?? 'down')
  return { state, cause: { state, since: 0, ...(reason !== undefined && { reason }) } }
}
