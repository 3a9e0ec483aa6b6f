import { assign, emit, type SnapshotFrom, sendParent, setup } from 'xstate'
import type { By } from './domain/by.js'
import type { AddedStream, ExternalState, ExternalStream } from './domain/external.js'
import type { ExternalFact } from './domain/facts.js'
import type { CameraEntry } from './domain/ports.js'
import { because, type Reason, reasonFrom } from './domain/reason.js'
import { configuredAt } from './domain/roster.js'
import { shownUrl, streamIdentity, streamKey } from './domain/streamUrl.js'
import type { CameraView } from './domain/views.js'
import { promiseHole } from './hole.js'

export interface ExternalStreamsInput {
  streams: AddedStream[]
  /** The configured cameras: their streams cannot be added. */
  entries: CameraEntry[]
  maxStreams: number
  /** ms between scans, if set by a client. */
  interval?: number
}

/** From the parent: the configuration has changed. Streams above a lower limit stay. */
type Configured = { type: 'streams.configured' } & Pick<ExternalStreamsInput, 'entries' | 'maxStreams'>

/** Changes requested by clients. */
export type ExternalStreamsEvent =
  /** `url`: as returned by `readStreamUrl`. */
  | { type: 'stream.add'; stream: AddedStream; by: By }
  /** `url`: any spelling of the URL of an added stream. */
  | { type: 'stream.remove'; url: string; by: By }
  /** In ms; 0: scans on demand only. */
  | { type: 'interval.set'; interval: number; by: By }

/** Messages to the parent, sent when the change is on disk. */
export type ExternalStreamsMessage =
  /** A stream was added, or has new credentials. */
  | { type: 'streams.changed'; streams: AddedStream[] }
  | { type: 'stream.removed'; key: string; by: By }
  | { type: 'interval.changed'; interval: number }

interface ExternalStreamsContext extends ExternalStreamsInput {
  /** The first change is in progress; the others wait. */
  changes: ExternalStreamsEvent[]
}

/** Maximum number of pending changes. */
const mostChanges = 64

/**
 * The streams that clients have added, and the time between scans that a client has set. Changes run one after the
 * other. Each change is written to disk before it takes effect.
 */
export const externalStreamsMachine = setup({
  types: {
    input: {} as ExternalStreamsInput,
    context: {} as ExternalStreamsContext,
    events: {} as ExternalStreamsEvent | Configured,
    emitted: {} as ExternalFact,
  },
  actors: {
    /** Resolves with the rule that the address violates, if any. */
    checkAddress: promiseHole<string | undefined, { url: string }>('checkAddress'),
    saveStreams: promiseHole<void, ExternalState>('saveStreams'),
  },
  guards: {
    hasRoom: ({ context }) => context.changes.length < mostChanges,
    hasChange: ({ context }) => context.changes.length > 0,
    isAddition: ({ context }) => first(context).type === 'stream.add',
    isConfigured: ({ context }) => first(context).type === 'stream.add' && entryOf(context) !== undefined,
    // A URL without credentials, as clients get it, does not remove the stored credentials.
    isUnchanged: ({ context }) => {
      const [change, before, url] = [first(context), streamOf(context), urlOf(context)]
      return change.type === 'stream.add' && before !== undefined && (url === before.url || url === shownUrl(url))
    },
    isTooMany: ({ context }) =>
      first(context).type === 'stream.add' && !streamOf(context) && context.streams.length >= context.maxStreams,
    isUnknown: ({ context }) => first(context).type === 'stream.remove' && !streamOf(context),
    breaksRule: (_, { rule }: { rule: string | undefined }) => rule !== undefined,
  },
  actions: {
    takeConfiguration: assign((_, { entries, maxStreams }: Configured) => ({ entries, maxStreams })),
    addChange: assign({ changes: ({ context }, change: ExternalStreamsEvent) => [...context.changes, change] }),
    dropChange: assign({ changes: ({ context }) => context.changes.slice(1) }),
    makeChange: assign(({ context }) => afterChange(context)),
    sendChange: sendParent(({ context }) => messageOf(context)),
    tellChange: emit(({ context }) => factOf(context)),
    tellUnchanged: emit(({ context }) => ({
      type: 'externalStream.unchanged',
      url: shownUrl(urlOf(context)),
      by: first(context).by,
    })),
    refuse: emit(({ context }, reason: Reason) => ({ type: 'externalStream.refused', reason, by: first(context).by })),
  },
}).createMachine({
  id: 'externalStreams',
  context: ({ input }) => ({ ...input, changes: [] }),
  on: {
    'streams.configured': { actions: { type: 'takeConfiguration', params: ({ event }) => event } },
    'stream.add': { guard: 'hasRoom', actions: { type: 'addChange', params: ({ event }) => event } },
    'stream.remove': { guard: 'hasRoom', actions: { type: 'addChange', params: ({ event }) => event } },
    'interval.set': { guard: 'hasRoom', actions: { type: 'addChange', params: ({ event }) => event } },
  },
  initial: 'ready',
  states: {
    ready: { always: { guard: 'hasChange', target: 'changing' } },
    changing: {
      initial: 'deciding',
      states: {
        deciding: {
          always: [
            { guard: 'isUnknown', target: 'refused', actions: { type: 'refuse', params: because('stream_unknown') } },
            {
              guard: 'isConfigured',
              target: 'refused',
              actions: { type: 'refuse', params: ({ context }) => configuredAs(context) },
            },
            { guard: 'isUnchanged', target: 'done', actions: 'tellUnchanged' },
            {
              guard: 'isTooMany',
              target: 'refused',
              actions: { type: 'refuse', params: ({ context }) => fullAt(context) },
            },
            { guard: 'isAddition', target: 'checkingAddress' },
            { target: 'saving' },
          ],
        },
        checkingAddress: {
          invoke: {
            src: 'checkAddress',
            input: ({ context }) => ({ url: urlOf(context) }),
            onDone: [
              {
                guard: { type: 'breaksRule', params: ({ event }) => ({ rule: event.output }) },
                target: 'refused',
                actions: { type: 'refuse', params: ({ event }) => because('address_refused', event.output) },
              },
              { target: 'saving' },
            ],
            onError: { target: 'refused', actions: { type: 'refuse', params: ({ event }) => reasonFrom(event.error) } },
          },
        },
        saving: {
          invoke: {
            src: 'saveStreams',
            input: ({ context }) => afterChange(context),
            onDone: { target: 'done', actions: ['makeChange', 'sendChange', 'tellChange'] },
            onError: {
              target: 'refused',
              actions: { type: 'refuse', params: ({ event }) => reasonFrom(event.error, 'not_written') },
            },
          },
        },
        refused: { type: 'final' },
        done: { type: 'final' },
      },
      onDone: { target: 'ready', actions: 'dropChange' },
    },
  },
})

/** Placeholder for the change in the state `ready`, where there is none. */
const none: ExternalStreamsEvent = { type: 'interval.set', interval: 0, by: { user: '', request: '', session: '' } }

const first = ({ changes: [change = none] }: ExternalStreamsContext): ExternalStreamsEvent => change

function urlOf(context: ExternalStreamsContext): string {
  const change = first(context)
  if (change.type === 'stream.add') return change.stream.url
  return change.type === 'stream.remove' ? change.url : ''
}

/** Returns the present version of the stream that the change concerns. */
function streamOf(context: ExternalStreamsContext): AddedStream | undefined {
  const key = streamKey(urlOf(context))
  return context.streams.find(({ url }) => streamKey(url) === key)
}

const entryOf = (context: ExternalStreamsContext) => configuredAt(urlOf(context), context.entries)

const configuredAs = (context: ExternalStreamsContext): Reason =>
  because('already_configured', `the stream is configured as ${entryOf(context)?.name}`)

const fullAt = ({ maxStreams }: ExternalStreamsContext): Reason =>
  because('limit_reached', `the limit of ${maxStreams} added streams is reached`)

function afterChange(context: ExternalStreamsContext): ExternalState {
  const { streams, interval } = context
  const [change, before] = [first(context), streamOf(context)]
  if (change.type === 'interval.set') return { streams, interval: change.interval }
  const others = streams.filter((stream) => stream !== before)
  const rest = change.type === 'stream.add' ? [{ ...change.stream, ...before, url: change.stream.url }] : []
  return { streams: [...others, ...rest], ...(interval !== undefined && { interval }) }
}

function messageOf(context: ExternalStreamsContext): ExternalStreamsMessage {
  const change = first(context)
  if (change.type === 'interval.set') return { type: 'interval.changed', interval: change.interval }
  return change.type === 'stream.add'
    ? { type: 'streams.changed', streams: context.streams }
    : { type: 'stream.removed', key: streamKey(change.url), by: change.by }
}

function factOf(context: ExternalStreamsContext): ExternalFact {
  const change = first(context)
  const { by } = change
  if (change.type === 'interval.set') return { type: 'externalDiscovery.intervalSet', interval: change.interval, by }
  const type = change.type === 'stream.add' ? 'externalStream.added' : 'externalStream.removed'
  return { type, url: shownUrl(urlOf(context)), by }
}

/** Returns found and added streams in one list, found ones first. `now`: epoch ms. */
export function listStreams(
  { context: { streams, entries } }: SnapshotFrom<typeof externalStreamsMachine>,
  { found, cameras, now }: { found: readonly ExternalStream[]; cameras: readonly CameraView[]; now: number },
): ExternalStream[] {
  const added = new Map(streams.map((stream) => [streamKey(stream.url), stream]))
  const byIdentity = new Map(cameras.map((camera) => [camera.identity.key, camera]))
  const configured = new Map(
    entries.flatMap(({ name, source }) =>
      source.kind === 'rtsp' ? [[streamKey(source.url), `rtsp:${name}`] as const] : [],
    ),
  )
  const known = found.map((stream): ExternalStream => {
    const key = streamKey(stream.url)
    const name = added.get(key)?.name
    const camera = byIdentity.get(configured.get(key) ?? streamIdentity(key))
    added.delete(key)
    return { ...stream, ...(name !== undefined && { name }), ...(camera && { camera: camera.id }) }
  })
  return [...known, ...[...added].map(([key, stream]) => unfound(stream, byIdentity.get(streamIdentity(key)), now))]
}

/** Describes an added stream that no scan has found, from the state of its camera. */
function unfound({ url, name, type, addedAt }: AddedStream, camera: CameraView | undefined, now: number) {
  const isThere = camera?.status === 'CONNECTED'
  const reason = camera?.cause.reason
  const codec = camera?.pipeline?.mode.fourcc
  return {
    url: shownUrl(url),
    type,
    name,
    status: isThere ? ('DISCOVERED' as const) : ('ERROR' as const),
    discoveredAt: addedAt,
    lastSeen: isThere ? now : (camera?.connectedAt ?? addedAt),
    ...(camera && { camera: camera.id }),
    ...(codec !== undefined && { codec }),
    ...(camera?.mode && { width: camera.mode.width, height: camera.mode.height }),
    ...(!isThere && { reason: reason === undefined ? because('not_started') : reason }),
  }
}
