import { assign, emit, enqueueActions, type SnapshotFrom, setup } from 'xstate'
import { backOff, nextSeed } from './domain/backOff.js'
import type { LinkFact, SupervisionFact } from './domain/facts.js'
import type { ServerInfo } from './domain/mediaServer.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import type { LinkView } from './domain/views.js'
import { callbackHole, promiseHole } from './hole.js'
import { asking, downAnew, ended, failed } from './linkChecks.js'
import { type LinkContext, type LinkInput, reasonOf } from './linkContext.js'
import { type PathWatchNews, pathWatchMachine } from './pathWatch.js'

export type LinkEvent =
  /** Too many calls failed. */
  | { type: 'breaker.opened' }
  /** The server process started or ended: check now. */
  | { type: 'link.check' }
  /** The server process ended: why no check gets an answer. */
  | { type: 'server.ended'; reason: Reason }
  | { type: 'server.runs' }
  | PathWatchNews

/**
 * Also sent to the parent: whether the media server accepts requests (`lost`, `restored`), and the first check without
 * an answer (`silent`) and the first one with an answer after it (`answers`).
 */
export type LinkNews =
  | { type: 'server.lost'; reason: Reason }
  | { type: 'server.restored' }
  | { type: 'server.silent' }
  | { type: 'server.answers' }

/**
 * The link to the media server. `syncing` writes every wanted path again, because a restarted server has lost them; a
 * restart changes `started` in its info. The circuit breaker for all calls is `up` (closed), `degraded.open` and
 * `degraded.halfOpen`. While it is open, and while the server is down, calls fail at once. While another program keeps
 * changing paths, the link is degraded, too, but nothing is refused.
 */
export const mediamtxLinkMachine = setup({
  types: {
    input: {} as LinkInput,
    context: {} as LinkContext,
    events: {} as LinkEvent,
    emitted: {} as LinkFact | SupervisionFact,
    tags: {} as 'down' | 'syncing' | 'up' | 'degraded' | 'open' | 'halfOpen',
  },
  actors: {
    askInfo: promiseHole<ServerInfo>('askInfo'),
    syncPaths: promiseHole<number>('syncPaths'),
    tryCall: promiseHole<ServerInfo>('tryCall'),
    pauseCalls: callbackHole<{ reason: Reason }>('pauseCalls'),
    watchBreaker: callbackHole('watchBreaker'),
    pathWatch: pathWatchMachine,
  },
  guards: {
    isRestarted: ({ context }, info: ServerInfo) => context.info?.started !== info.started,
    isOtherEnd: ({ context }, { reason }: { reason: Reason }) => reasonOf(context).details !== reason.details,
    isOtherFailure: ({ context }, { error }: { error: unknown }) =>
      context.end === undefined && context.reason?.details !== reasonFrom(error, 'server_unreachable').details,
    isLost: ({ context }) => context.failures >= 3,
  },
  actions: {
    keepInfo: assign({ info: (_, info: ServerInfo) => info }),
    keepPaths: assign((_, paths: number) => ({ paths, failures: 0, reason: undefined })),
    keepEnd: assign({ end: (_, { reason }: { reason: Reason }) => reason }),
    noteFailure: assign(({ context: { failures, seed } }, { error }: { error: unknown }) => ({
      reason: reasonFrom(error, 'server_unreachable'),
      failures: failures + 1,
      seed: nextSeed(seed),
    })),
    forgetEnd: assign(({ context: { end, reason = end } }) => ({ reason, end: undefined })),
    noteRestart: assign({ reason: because('server_restarted'), end: undefined }),
    noteOpen: assign({ reason: because('breaker_open'), failures: 1 }),
    tellUp: emit(
      ({ context: { info, paths } }): LinkFact => ({ type: 'link.up', version: info?.version ?? '', paths }),
    ),
    tellDown: emit(({ context }): LinkFact => ({ type: 'link.down', reason: reasonOf(context) })),
    tellDegraded: emit(({ context }): LinkFact => ({ type: 'link.degraded', reason: reasonOf(context) })),
    takeContest: assign({ contest: (_, { reason }: { reason: Reason }) => reason }),
    dropContest: assign({ contest: undefined }),
    tellContest: emit(
      ({ context: { contest = because('path_changed') } }): LinkFact => ({ type: 'link.degraded', reason: contest }),
    ),
    tellCrash: emit(
      (_, { error }: { error: unknown }): SupervisionFact => ({
        type: 'actor.failed',
        actor: 'pathWatch',
        reason: reasonFrom(error, 'crashed'),
        restarts: 1,
      }),
    ),
    tellOpened: emit({ type: 'link.breakerOpened' }),
    lose: enqueueActions(({ context, enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'server.lost', reason: reasonOf(context) })
    }),
    doubt: enqueueActions(({ enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'server.silent' })
    }),
    // A server that answers, but fails to take the paths again and again, hangs as well.
    trust: enqueueActions(({ context: { failures }, enqueue, self }) => {
      if (self._parent && failures < 3) enqueue.sendTo(self._parent, { type: 'server.answers' })
    }),
    restore: enqueueActions(({ enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'server.restored' })
    }),
  },
  delays: {
    /** A child process answers within 0.1 s of its start. One small request a second costs nothing. */
    retry: ({ context: { failures, seed } }) => backOff({ attempts: failures, seed, first: 100, most: 1_000 }),
    /** The breaker's delay before a trial call. */
    reset: ({ context: { failures, seed, resetAfter } }) =>
      backOff({ attempts: failures, seed, first: resetAfter, most: 60_000 }),
    interval: 1_000,
    /** How long a start may take before the server counts as down. */
    connectLimit: 15_000,
    restartPause: 5_000,
  },
}).createMachine({
  id: 'mediamtxLink',
  context: ({ input }) => ({ ...input, paths: 0, failures: 0 }),
  invoke: { src: 'watchBreaker' },
  on: {
    'server.ended': { actions: { type: 'keepEnd', params: ({ event }) => event } },
    'server.runs': { actions: 'forgetEnd' },
  },
  initial: 'connecting',
  states: {
    connecting: {
      tags: 'down',
      invoke: { src: 'pauseCalls', input: { reason: because('not_started') } },
      after: { connectLimit: 'down' },
      initial: 'asking',
      states: asking(),
    },
    down: {
      tags: 'down',
      entry: ['tellDown', 'lose', 'doubt'],
      invoke: { src: 'pauseCalls', input: ({ context }) => ({ reason: reasonOf(context) }) },
      on: {
        'server.ended': [
          {
            guard: { type: 'isOtherEnd', params: ({ event }) => event },
            ...downAnew,
            actions: { type: 'keepEnd', params: ({ event }) => event },
          },
          { actions: { type: 'keepEnd', params: ({ event }) => event } },
        ],
      },
      initial: 'waiting',
      states: asking({
        guard: { type: 'isOtherFailure', params: failed },
        ...downAnew,
        actions: { type: 'noteFailure', params: failed },
      } as const),
    },
    syncing: {
      id: 'syncing',
      tags: 'syncing',
      entry: 'trust',
      on: { 'server.ended': ended },
      invoke: {
        src: 'syncPaths',
        onDone: { target: 'up', actions: { type: 'keepPaths', params: ({ event }) => event.output } },
        onError: { target: 'down', actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
    },
    up: {
      entry: ['dropContest', 'tellUp', 'trust', 'restore'],
      type: 'parallel',
      states: {
        health: {
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
                      'noteRestart',
                      'tellDown',
                      'lose',
                      { type: 'keepInfo', params: ({ event }) => event.output },
                    ],
                  },
                  { target: 'resting' },
                ],
                onError: { target: '#degraded', actions: { type: 'noteFailure', params: ({ event }) => event } },
              },
            },
          },
        },
        paths: {
          initial: 'watched',
          states: {
            watched: {
              invoke: {
                src: 'pathWatch',
                id: 'pathWatch',
                input: ({ context }) => ({ isContested: context.contest !== undefined }),
                onError: { target: 'unwatched', actions: { type: 'tellCrash', params: ({ event }) => event } },
              },
            },
            unwatched: { after: { restartPause: 'watched' } },
          },
        },
        verdict: {
          initial: 'agreed',
          states: {
            agreed: { tags: 'up' },
            contested: {
              tags: 'degraded',
              entry: 'tellContest',
              on: { 'paths.agreed': { target: 'agreed', actions: ['dropContest', 'tellUp'] } },
            },
          },
          on: {
            'paths.contested': { target: '.contested', actions: { type: 'takeContest', params: ({ event }) => event } },
          },
        },
      },
      on: { 'breaker.opened': { target: 'degraded.open', actions: 'noteOpen' }, 'server.ended': ended },
    },
    degraded: {
      id: 'degraded',
      tags: 'degraded',
      entry: ['tellDegraded', 'doubt'],
      on: { 'server.ended': ended },
      initial: 'doubted',
      states: {
        // One failed health check may be an exception; after two the server counts as down.
        doubted: {
          initial: 'waiting',
          states: {
            waiting: { after: { retry: 'checking' }, on: { 'link.check': 'checking' } },
            checking: {
              invoke: {
                src: 'askInfo',
                // A change of a path may have been lost: all paths are written again.
                onDone: { target: '#syncing', actions: { type: 'keepInfo', params: ({ event }) => event.output } },
                onError: {
                  target: '#mediamtxLink.down',
                  actions: { type: 'noteFailure', params: ({ event }) => event },
                },
              },
            },
          },
          on: { 'breaker.opened': { target: 'open', actions: 'noteOpen' } },
        },
        open: {
          tags: 'open',
          entry: ['tellOpened', 'lose'],
          invoke: { src: 'pauseCalls', input: ({ context }) => ({ reason: reasonOf(context) }) },
          after: { reset: 'halfOpen' },
          on: { 'link.check': 'halfOpen' },
        },
        halfOpen: {
          tags: 'halfOpen',
          invoke: [
            { src: 'pauseCalls', input: ({ context }) => ({ reason: reasonOf(context) }) },
            {
              src: 'tryCall',
              onDone: { target: '#syncing', actions: { type: 'keepInfo', params: ({ event }) => event.output } },
              onError: { target: 'judging', actions: { type: 'noteFailure', params: ({ event }) => event } },
            },
          ],
        },
        judging: { always: [{ guard: 'isLost', target: '#mediamtxLink.down' }, { target: 'open' }] },
      },
    },
  },
})

const words = ['up', 'degraded', 'syncing', 'down'] as const

export const linkView = (
  { context: { end, reason: lost, contest }, tags }: SnapshotFrom<typeof mediamtxLinkMachine>,
  since: number,
): LinkView => {
  const state = words.find((word) => tags.has(word)) ?? 'down'
  // The news that its process runs again may come after the answer of that process.
  const reason = state === 'up' ? undefined : (end ?? lost ?? contest)
  const breaker = tags.has('open') ? 'open' : tags.has('halfOpen') ? 'halfOpen' : 'closed'
  return { state, cause: { state, since, ...(reason && { reason }) }, breaker }
}
