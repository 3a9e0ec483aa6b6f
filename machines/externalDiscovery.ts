import { assign, emit, enqueueActions, setup } from 'xstate'
import type { ExternalStream, FoundStream } from './domain/external.js'
import type { DiscoveryFact } from './domain/facts.js'
import { callbackHole } from './hole.js'

export interface ExternalDiscoveryInput {
  enabled: boolean
  /** ms between scans; 0: on demand only. */
  interval: number
  atStart: boolean
  /** What scans that nobody has asked for look for. */
  skydio: boolean
  generic: boolean
}

export interface ScanWish {
  skydio: boolean
  generic: boolean
  /** A new scan, of every address, also while or right after another. */
  force: boolean
}

/** `at`: epoch ms, `took`: ms. */
export type ScanEvent =
  | { type: 'scan.progress'; done: number; total: number }
  | { type: 'scan.found'; stream: FoundStream; at: number }
  /** A known one that did not answer. */
  | { type: 'scan.lost'; url: string; reason: string }
  | { type: 'scan.ended'; at: number; took: number; errors: string[] }

export type ExternalDiscoveryEvent =
  | { type: 'discovery.start'; wish: ScanWish }
  /** Nobody waits for the scan any more. */
  | { type: 'discovery.cancel'; at: number }
  | { type: 'interval.set'; interval: number }
  | ScanEvent

export interface ScanOutcome {
  /** Which scan it was, counted from 1. */
  scan: number
  at: number
  took: number
  errors: string[]
}

interface ExternalDiscoveryContext extends ExternalDiscoveryInput {
  /** Scans begun. */
  scan: number
  wish: ScanWish
  /** To be scanned for after the present scan. */
  next?: ScanWish | undefined
  found: ExternalStream[]
  last?: ScanOutcome
}

/** More than this are not kept: whoever answers on every address must not fill our memory. */
const mostFound = 256

/**
 * Looks for RTSP streams where the configuration allows it: on demand, and every `interval`. Who asks during a scan that
 * covers the wish gets its outcome; otherwise another scan follows. What was found is kept, as ERROR while it does not answer.
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
    isCovered: ({ context }, { wish }: { wish: ScanWish }) => covers(context.wish, wish),
    hasNext: ({ context }) => context.next !== undefined,
  },
  actions: {
    keepInterval: assign({ interval: (_, { interval }: { interval: number }) => interval }),
    planWish: assign({ wish: (_, { wish }: { wish: ScanWish }) => wish }),
    planOwn: assign({ wish: ({ context: { skydio, generic } }) => ({ skydio, generic, force: true }) }),
    planNext: assign(({ context: { wish, next } }) => ({ wish: next ?? wish, next: undefined })),
    addNext: assign({
      next: ({ context: { next } }, { wish }: { wish: ScanWish }) => ({
        skydio: wish.skydio || (next?.skydio ?? false),
        generic: wish.generic || (next?.generic ?? false),
        force: wish.force || (next?.force ?? false),
      }),
    }),
    begin: enqueueActions(({ context: { scan, wish }, enqueue }) => {
      enqueue.assign({ scan: scan + 1 })
      enqueue.emit({ type: 'discovery.started', skydio: wish.skydio, generic: wish.generic })
    }),
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
      found: ({ context: { found } }, { url, reason }: { url: string; reason: string }) =>
        found.map((stream) => (stream.url === url ? { ...stream, status: 'ERROR' as const, reason } : stream)),
    }),
    end: enqueueActions(
      ({ context: { scan, found, wish }, enqueue }, { at, took, errors }: Omit<ScanOutcome, 'scan'>) => {
        enqueue.assign({ last: { scan, at, took, errors } })
        const count = found.filter(
          ({ type, status }) => status === 'DISCOVERED' && (type === 'skydio_stanag4609' ? wish.skydio : wish.generic),
        ).length
        enqueue.emit({ type: 'discovery.ended', found: count, took, errors })
      },
    ),
    cancel: enqueueActions(({ context: { scan, next }, enqueue }, { at }: { at: number }) => {
      const errors = ['the scan was cancelled']
      // With it goes the one that was to follow.
      const over = next === undefined ? scan : scan + 1
      enqueue.assign({ scan: over, next: undefined, last: { scan: over, at, took: 0, errors } })
      enqueue.emit({ type: 'discovery.ended', found: 0, took: 0, errors })
    }),
  },
  delays: { interval: ({ context }) => Math.max(1_000, context.interval) },
}).createMachine({
  id: 'externalDiscovery',
  context: ({ input }) => ({ ...input, scan: 0, wish: { skydio: false, generic: false, force: false }, found: [] }),
  initial: 'deciding',
  states: {
    deciding: {
      always: [
        { guard: 'isDisabled', target: 'disabled' },
        { guard: 'scansAtStart', target: 'scanning', actions: 'planOwn' },
        { target: 'idle' },
      ],
    },
    disabled: {},
    idle: {
      tags: 'enabled',
      initial: 'choosing',
      states: {
        choosing: { always: [{ guard: 'isPeriodic', target: 'waiting' }, { target: 'onDemand' }] },
        waiting: { after: { interval: { target: '#externalDiscovery.scanning', actions: 'planOwn' } } },
        onDemand: {},
      },
      on: {
        'interval.set': { target: '.choosing', actions: { type: 'keepInterval', params: ({ event }) => event } },
        'discovery.start': { target: 'scanning', actions: { type: 'planWish', params: ({ event }) => event } },
      },
    },
    scanning: {
      tags: ['enabled', 'scanning'],
      entry: 'begin',
      invoke: { src: 'scanStreams', input: ({ context }) => context },
      on: {
        'interval.set': { actions: { type: 'keepInterval', params: ({ event }) => event } },
        'discovery.start': [
          { guard: { type: 'isCovered', params: ({ event }) => event } },
          { actions: { type: 'addNext', params: ({ event }) => event } },
        ],
        'discovery.cancel': { target: 'idle', actions: { type: 'cancel', params: ({ event }) => event } },
        'scan.progress': { actions: { type: 'tellProgress', params: ({ event }) => event } },
        'scan.found': { actions: { type: 'keepFound', params: ({ event }) => event } },
        'scan.lost': { actions: { type: 'noteLost', params: ({ event }) => event } },
        'scan.ended': [
          {
            guard: 'hasNext',
            target: 'scanning',
            reenter: true,
            actions: [{ type: 'end', params: ({ event }) => event }, 'planNext'],
          },
          { target: 'idle', actions: { type: 'end', params: ({ event }) => event } },
        ],
      },
    },
  },
})

/** Whether who has the one wish is served by a scan for the other. */
const covers = (running: ScanWish, wish: ScanWish): boolean =>
  !wish.force && (running.skydio || !wish.skydio) && (running.generic || !wish.generic)

/** Which scan a wish would get its answer from. */
export const scanFor = (
  { scan, wish: running }: { scan: number; wish: ScanWish },
  isScanning: boolean,
  wish: ScanWish,
): number => (isScanning && covers(running, wish) ? scan : scan + 1)

function withFound(found: ExternalStream[], stream: ExternalStream): ExternalStream[] {
  if (found.some(({ url }) => url === stream.url)) return found.map((each) => (each.url === stream.url ? stream : each))
  if (found.length < mostFound) return [...found, stream]
  const gone = found.find(({ status }) => status === 'ERROR')
  return gone === undefined ? found : [...found.filter((each) => each !== gone), stream]
}
