import { assign, emit, enqueueActions, setup } from 'xstate'
import type { By } from './domain/by.js'
import type { ExternalStream, FoundStream } from './domain/external.js'
import type { DiscoveryFact } from './domain/facts.js'
import type { Reason } from './domain/reason.js'
import { callbackHole } from './hole.js'

export interface ExternalDiscoveryInput {
  enabled: boolean
  /** ms between scans; 0: on demand only. */
  interval: number
  atStart: boolean
  /** The kinds of streams that scheduled scans look for. */
  skydio: boolean
  generic: boolean
}

export interface ScanWish {
  skydio: boolean
  generic: boolean
  /** Probes every address again, in a new scan. */
  force: boolean
}

/** `at`: epoch ms, `took`: ms. */
export type ScanEvent =
  | { type: 'scan.progress'; done: number; total: number }
  | { type: 'scan.found'; stream: FoundStream; at: number }
  /** A known stream did not answer. */
  | { type: 'scan.lost'; url: string; reason: Reason }
  | { type: 'scan.ended'; took: number; errors: string[] }

export type ExternalDiscoveryEvent =
  | { type: 'discovery.start'; wish: ScanWish; by: By }
  /** A client disconnected. */
  | { type: 'client.left'; session: string }
  | { type: 'interval.set'; interval: number }
  /** From the parent: scheduled scans look for other kinds of streams. */
  | ({ type: 'kinds.set' } & Pick<ExternalDiscoveryInput, 'skydio' | 'generic'>)
  | ScanEvent

/** A scan and its clients. */
interface Scan {
  wish: ScanWish
  askers: By[]
  /** The sessions of the requesting clients that are still connected. */
  waiting: string[]
}

interface ExternalDiscoveryContext extends ExternalDiscoveryInput {
  /** The present scan, or the last one. */
  scan: Scan
  /** The next scan. */
  next?: Scan | undefined
  found: ExternalStream[]
}

type Request = Extract<ExternalDiscoveryEvent, { type: 'discovery.start' }>

/** Limits the memory use if a host answers on every address. */
const mostFound = 256

/**
 * Scans the configured addresses for RTSP streams: on demand, and once per `interval`. A request during a scan joins it
 * if the scan covers the request; otherwise another scan follows. A requested scan ends when no client waits for it any
 * more. Found streams stay in the list, with status ERROR while they do not answer.
 */
export const externalDiscoveryMachine = setup({
  types: {
    input: {} as ExternalDiscoveryInput,
    context: {} as ExternalDiscoveryContext,
    events: {} as ExternalDiscoveryEvent,
    emitted: {} as DiscoveryFact,
    tags: {} as 'enabled' | 'scanning',
  },
  actors: { scanStreams: callbackHole<{ wish: ScanWish; found: ExternalStream[] }>('scanStreams') },
  guards: {
    isDisabled: ({ context }) => !context.enabled,
    scansAtStart: ({ context }) => context.atStart,
    isPeriodic: ({ context }) => context.interval > 0,
    isCovered: ({ context: { scan } }, { wish }: Request) => covers(scan.wish, wish),
    isUnwanted: ({ context: { scan } }) => scan.waiting.length === 0,
    hasNext: ({ context }) => context.next !== undefined,
  },
  actions: {
    keepInterval: assign({ interval: (_, { interval }: { interval: number }) => interval }),
    takeKinds: assign((_, { skydio, generic }: Pick<ExternalDiscoveryInput, 'skydio' | 'generic'>) => ({
      skydio,
      generic,
    })),
    planRequested: assign({ scan: (_, { wish, by }: Request) => joined({ ...noScan, wish }, by) }),
    planScheduled: assign({
      scan: ({ context: { skydio, generic } }) => ({ ...noScan, wish: { skydio, generic, force: true } }),
    }),
    planNext: assign(({ context: { scan, next } }) => ({ scan: next ?? scan, next: undefined })),
    joinScan: assign({ scan: ({ context: { scan } }, { by }: Request) => joined(scan, by) }),
    joinNext: assign({
      next: ({ context: { next = noScan } }, { wish, by }: Request) => ({
        ...joined(next, by),
        wish: {
          skydio: wish.skydio || next.wish.skydio,
          generic: wish.generic || next.wish.generic,
          force: wish.force || next.wish.force,
        },
      }),
    }),
    dropClient: assign(({ context: { scan, next } }, { session }: { session: string }) => {
      const present = without(scan, session)
      const following = next && without(next, session)
      if (following === undefined || following.waiting.length > 0) return { scan: present, next: following }
      // The next scan is cancelled: its clients get the result of this one.
      return { scan: { ...present, askers: [...present.askers, ...following.askers] }, next: undefined }
    }),
    tellStarted: emit(({ context: { scan } }) => ({
      type: 'discovery.started',
      skydio: scan.wish.skydio,
      generic: scan.wish.generic,
    })),
    tellProgress: emit((_, { done, total }: { done: number; total: number }) => ({
      type: 'discovery.progress',
      done,
      total,
    })),
    keepFound: enqueueActions(
      ({ context: { found }, enqueue }, { stream, at }: { stream: FoundStream; at: number }) => {
        const before = found.find(({ url }) => url === stream.url)
        const kept = withFound(found, {
          ...stream,
          status: 'DISCOVERED',
          discoveredAt: before?.discoveredAt ?? at,
          lastSeen: at,
        })
        enqueue.assign({ found: kept })
        if (before?.status !== 'DISCOVERED' && kept !== found)
          enqueue.emit({ type: 'discovery.found', url: stream.url, name: stream.name })
      },
    ),
    noteLost: assign({
      found: ({ context: { found } }, { url, reason }: { url: string; reason: Reason }) =>
        found.map((stream) => (stream.url === url ? { ...stream, status: 'ERROR' as const, reason } : stream)),
    }),
    tellEnded: emit(({ context: { scan, found } }, { took, errors }: { took: number; errors: string[] }) => ({
      type: 'discovery.ended',
      found: found.filter(
        ({ type, status }) =>
          status === 'DISCOVERED' && (type === 'skydio_stanag4609' ? scan.wish.skydio : scan.wish.generic),
      ).length,
      took,
      errors,
      ...(scan.askers.length > 0 && { askers: scan.askers }),
    })),
  },
  delays: { interval: ({ context }) => Math.max(1_000, context.interval) },
}).createMachine({
  id: 'externalDiscovery',
  context: ({ input }) => ({ ...input, scan: noScan, found: [] }),
  on: { 'kinds.set': { actions: { type: 'takeKinds', params: ({ event }) => event } } },
  initial: 'deciding',
  states: {
    deciding: {
      always: [
        { guard: 'isDisabled', target: 'disabled' },
        { guard: 'scansAtStart', target: 'scanning.scheduled', actions: 'planScheduled' },
        { target: 'idle' },
      ],
    },
    disabled: {},
    idle: {
      tags: 'enabled',
      initial: 'choosing',
      states: {
        choosing: { always: [{ guard: 'isPeriodic', target: 'waiting' }, { target: 'onDemand' }] },
        waiting: {
          after: { interval: { target: '#externalDiscovery.scanning.scheduled', actions: 'planScheduled' } },
        },
        onDemand: {},
      },
      on: {
        'interval.set': { target: '.choosing', actions: { type: 'keepInterval', params: ({ event }) => event } },
        'discovery.start': {
          target: 'scanning.requested',
          actions: { type: 'planRequested', params: ({ event }) => event },
        },
      },
    },
    scanning: {
      tags: ['enabled', 'scanning'],
      entry: 'tellStarted',
      invoke: { src: 'scanStreams', input: ({ context: { scan, found } }) => ({ wish: scan.wish, found }) },
      on: {
        'interval.set': { actions: { type: 'keepInterval', params: ({ event }) => event } },
        'discovery.start': [
          {
            guard: { type: 'isCovered', params: ({ event }) => event },
            actions: { type: 'joinScan', params: ({ event }) => event },
          },
          { actions: { type: 'joinNext', params: ({ event }) => event } },
        ],
        'client.left': { actions: { type: 'dropClient', params: ({ event }) => event } },
        'scan.progress': { actions: { type: 'tellProgress', params: ({ event }) => event } },
        'scan.found': { actions: { type: 'keepFound', params: ({ event }) => event } },
        'scan.lost': { actions: { type: 'noteLost', params: ({ event }) => event } },
        'scan.ended': { target: 'ended', actions: { type: 'tellEnded', params: ({ event }) => event } },
      },
      initial: 'scheduled',
      states: {
        /** Runs to the end, even if all clients leave. */
        scheduled: {},
        requested: {
          always: {
            guard: 'isUnwanted',
            target: '#externalDiscovery.ended',
            actions: { type: 'tellEnded', params: { took: 0, errors: ['the scan was cancelled'] } },
          },
        },
      },
    },
    ended: {
      always: [{ guard: 'hasNext', target: 'scanning.requested', actions: 'planNext' }, { target: 'idle' }],
    },
  },
})

const noScan: Scan = { wish: { skydio: false, generic: false, force: false }, askers: [], waiting: [] }

/** Keeps `by` itself, not a copy, because callers identify their facts by reference. */
const joined = (scan: Scan, by: By): Scan => ({
  ...scan,
  askers: [...scan.askers, by],
  waiting: [...scan.waiting, by.session],
})

const without = (scan: Scan, session: string): Scan => ({
  ...scan,
  waiting: scan.waiting.filter((one) => one !== session),
})

/** True if a scan for `running` covers `wish` too. */
const covers = (running: ScanWish, wish: ScanWish): boolean =>
  !wish.force && (running.skydio || !wish.skydio) && (running.generic || !wish.generic)

function withFound(found: ExternalStream[], stream: ExternalStream): ExternalStream[] {
  if (found.some(({ url }) => url === stream.url)) return found.map((each) => (each.url === stream.url ? stream : each))
  if (found.length < mostFound) return [...found, stream]
  const gone = found.find(({ status }) => status === 'ERROR')
  return gone === undefined ? found : [...found.filter((each) => each !== gone), stream]
}
