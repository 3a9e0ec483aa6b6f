import { assign, enqueueActions, setup } from 'xstate'
import type { ServerChoice } from './domain/mediaServer.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import { callbackHole, promiseHole } from './hole.js'

export type ServerProcessEvent =
  | { type: 'server.started'; pid: number }
  | { type: 'server.exited'; reason: string }
  /** The control API does not answer, or answers again. */
  | { type: 'server.silent' }
  | { type: 'server.answers' }
  /** `until`: the monotonic time at which it must be gone; absent: there is no hurry. */
  | { type: 'server.end'; until?: number | undefined }

/** Sent to the parent: the server started, or ended for this reason. */
export type ServerProcessNews = { type: 'server.changed'; ended?: Reason }

interface ServerProcessContext {
  choice?: ServerChoice
  /** Why it does not run. */
  reason?: Reason | undefined
  /** Why the child is ended by force; it ends for this reason then, not for the signal. */
  verdict?: Reason | undefined
  failures: number
  /** The monotonic time at which the child must be gone. */
  until?: number | undefined
}

/**
 * `isSilent`: it has not answered lately, so it may not react to a signal either. `failure`: why it is ended although
 * nobody asked for it.
 */
export interface ServerEnd {
  until?: number | undefined
  isSilent: boolean
  failure?: Reason | undefined
}

const ends = <Target extends string>(target: Target, end: (context: ServerProcessContext) => ServerEnd) =>
  ({
    invoke: {
      src: 'endServer',
      input: ({ context }: { context: ServerProcessContext }) => end(context),
      onDone: target,
      onError: target,
    },
  }) as const
const endsIn = <Target extends string>(target: Target) =>
  ({
    target,
    actions: { type: 'keepDeadline', params: ({ event }: { event: { until?: number | undefined } }) => event },
  }) as const

/** Returns the delays for a child that may be silent for `limit` ms. */
export const hangDelays = (limit: number) => {
  const lastAnswer = Math.min(2_000, limit / 2)
  return { silenceLimit: limit - lastAnswer, lastAnswer }
}

/**
 * Chooses the media server and keeps it running. Restarts it with an increasing delay. A child that runs but does not
 * answer is killed after a time, and soon if the service stops; an external server is left alone.
 */
export const serverProcessMachine = setup({
  types: { context: {} as ServerProcessContext, events: {} as ServerProcessEvent, tags: {} as 'running' },
  actors: {
    chooseServer: promiseHole<ServerChoice>('chooseServer'),
    runServer: callbackHole<{ choice: ServerChoice }>('runServer'),
    endServer: promiseHole<void, ServerEnd>('endServer'),
    /** Kills a child that hangs; `server.exited` follows. */
    killServer: promiseHole<void>('killServer'),
  },
  guards: { isExternal: (_, { kind }: ServerChoice) => kind === 'external' },
  actions: {
    keepChoice: assign((_, choice: ServerChoice) => ({ choice, reason: undefined })),
    noteFailure: assign(({ context: { failures } }, { error }: { error: unknown }) => ({
      reason: reasonFrom(error, 'server_unreachable'),
      failures: failures + 1,
    })),
    noteExit: assign(({ context: { failures, verdict } }, { reason }: { reason: string }) => ({
      reason: verdict ?? because('server_ended', reason),
      failures: failures + 1,
      verdict: undefined,
    })),
    noteHang: assign({ verdict: because('server_hung') }),
    noteLateness: assign(({ context: { failures } }) => ({
      reason: because('server_hung', 'the media server did not answer in time after its start and was ended'),
      failures: failures + 1,
    })),
    tellChange: enqueueActions(({ enqueue, self }) => {
      if (self._parent) enqueue.sendTo(self._parent, { type: 'server.changed' })
    }),
    tellExit: enqueueActions(({ context: { reason }, enqueue, self }) => {
      if (self._parent && reason !== undefined) enqueue.sendTo(self._parent, { type: 'server.changed', ended: reason })
    }),
    clearReason: assign({ reason: undefined }),
    keepDeadline: assign({ until: (_, { until }: { until?: number | undefined }) => until }),
    forgetFailures: assign({ failures: 0 }),
  },
  delays: {
    /** None, 0.5 s, 1 s, 2 s, 4 s, 5 s: longer pauses would lose recordings. */
    pause: ({ context: { failures } }) => (failures <= 1 ? 0 : Math.min(5_000, 500 * 2 ** Math.min(failures - 2, 4))),
    /** How long a child may take to answer this service, and then the link, on a slow host. */
    startLimit: 20_000,
    firstAnswer: 30_000,
    /** A process that answers this long resets the count. */
    settled: 10_000,
    /** How long a child may be silent before it is asked for the last time, and then, before it is killed. */
    ...hangDelays(10_000),
  },
}).createMachine({
  id: 'serverProcess',
  context: { failures: 0 },
  initial: 'choosing',
  states: {
    choosing: {
      invoke: {
        src: 'chooseServer',
        onDone: [
          {
            guard: { type: 'isExternal', params: ({ event }) => event.output },
            target: 'external',
            actions: { type: 'keepChoice', params: ({ event }) => event.output },
          },
          { target: 'running', actions: { type: 'keepChoice', params: ({ event }) => event.output } },
        ],
        onError: { target: 'failed', actions: { type: 'noteFailure', params: ({ event }) => event } },
      },
      on: { 'server.end': endsIn('ending') },
    },
    external: { tags: 'running', entry: 'tellChange', on: { 'server.end': 'ended' } },
    running: {
      invoke: {
        src: 'runServer',
        input: ({ context }) => ({ choice: context.choice ?? { kind: 'embedded', why: '' } }),
      },
      initial: 'starting',
      states: {
        starting: {
          after: { startLimit: { target: '#serverProcess.late', actions: 'noteLateness' } },
          on: {
            'server.started': { target: 'up', actions: 'clearReason' },
            // The first answer may come before the report, and is sent only once.
            'server.answers': { target: 'up.answering', actions: 'clearReason' },
          },
        },
        up: {
          tags: 'running',
          entry: 'tellChange',
          initial: 'fresh',
          states: {
            fresh: { after: { firstAnswer: 'asking' }, on: { 'server.answers': 'answering' } },
            answering: { after: { settled: { actions: 'forgetFailures' } }, on: { 'server.silent': 'silent' } },
            silent: {
              after: { silenceLimit: 'asking' },
              on: { 'server.answers': 'answering', 'server.end': endsIn('#serverProcess.endingSilent') },
            },
            // The last check may be old: a server that answers again must not be killed.
            asking: {
              entry: 'tellChange',
              after: { lastAnswer: 'hung' },
              on: { 'server.answers': 'answering', 'server.end': endsIn('#serverProcess.endingSilent') },
            },
            hung: { entry: 'noteHang', invoke: { src: 'killServer', onDone: 'killed', onError: 'killed' } },
            killed: {},
          },
        },
      },
      on: {
        'server.exited': {
          target: 'pausing',
          actions: [{ type: 'noteExit', params: ({ event }) => event }, 'tellExit'],
        },
        'server.end': endsIn('ending'),
      },
    },
    // The next start would find the ports and cameras of this one in use.
    late: {
      entry: 'tellExit',
      ...ends('pausing', ({ reason }) => ({ isSilent: true, failure: reason })),
      on: { 'server.end': endsIn('ending') },
    },
    pausing: { after: { pause: 'running' }, on: { 'server.end': 'ended' } },
    failed: { after: { pause: 'choosing' }, on: { 'server.end': 'ended' } },
    ending: ends('ended', ({ until }) => ({ until, isSilent: false })),
    endingSilent: ends('ended', ({ until }) => ({ until, isSilent: true })),
    ended: { type: 'final' },
  },
})
