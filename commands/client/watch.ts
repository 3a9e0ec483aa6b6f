import { rounded } from '../../machines/domain/amounts.js'
import { hintOf } from '../../machines/domain/nearest.js'
import {
  type CameraServiceClient,
  type Filters,
  RpcError,
  type Topic,
  type TopicEvent,
} from '../../rpc/client/index.js'
import { type CommandOf, UsageError } from '../line/command.js'
import type { Outcome } from '../outcome.js'
import { demandKnown } from './known.js'
import type { ClientPorts } from './open.js'
import { type Colour, clean, paint, type Screen } from './screen.js'
import type { Service } from './service.js'

type WatchPorts = Pick<ClientPorts, 'screen' | 'signal' | 'print' | 'log'>

/** All topics. `repeats`: the facts of another topic, for older clients. */
const topics: Readonly<Record<Topic, 'shown' | 'repeats'>> = {
  'camera.connected': 'shown',
  'camera.disconnected': 'shown',
  'camera.status_change': 'shown',
  'camera.capability_detected': 'shown',
  'camera.capability_error': 'shown',
  camera_status_update: 'repeats',
  'recording.start': 'shown',
  'recording.stop': 'shown',
  'recording.progress': 'repeats',
  'recording.interrupted': 'shown',
  'recording.resumed': 'shown',
  'recording.error': 'shown',
  'recording.quarantined': 'shown',
  recording_status_update: 'repeats',
  'snapshot.taken': 'shown',
  'snapshot.error': 'shown',
  'recording.deleted': 'shown',
  'snapshot.deleted': 'shown',
  'storage.cleanup': 'shown',
  'storage.switched': 'shown',
  'discovery.started': 'shown',
  'discovery.progress': 'shown',
  'discovery.found': 'shown',
  'discovery.completed': 'shown',
  'system.health': 'shown',
  'system.error': 'shown',
  'system.startup': 'shown',
  'system.shutdown': 'shown',
  'system.clock_jumped': 'shown',
  'system.config_changed': 'shown',
  'system.config_refused': 'shown',
  'simulation.step': 'shown',
  system_health_update: 'repeats',
  'mediamtx.stream': 'shown',
  'mediamtx.path': 'shown',
  'mediamtx.error': 'shown',
  'mediamtx.path_drifted': 'shown',
  'mediamtx.stream_started': 'repeats',
  'mediamtx.stream_stopped': 'repeats',
  'mediamtx.recording_started': 'repeats',
  'mediamtx.recording_stopped': 'repeats',
  'mediamtx.recording_failed': 'repeats',
}
export const topicNames = Object.keys(topics) as Topic[]

/** `watch [ID]`: prints events until the signal. */
export async function watch(
  { device, topics: asked, severity, json }: Omit<CommandOf<'watch'>, 'name' | 'connection' | 'flags'>,
  ports: WatchPorts,
  client: Pick<CameraServiceClient, 'call' | 'on'>,
  service: Pick<Service, 'onState'>,
): Promise<Outcome> {
  const { print, screen, signal, log } = ports
  const names = asked === undefined ? topicNames.filter((name) => topics[name] === 'shown') : asked.map(topicOf)
  const filters: Filters = { ...(device !== undefined && { device }), ...(severity !== undefined && { severity }) }
  // Nothing would ever come of it.
  if (device !== undefined) await demandKnown(client, device)
  let hasGap = false
  const listener = (event: TopicEvent<Topic>) => {
    if (event.type === 'gap') {
      // Every topic reports the same gap.
      if (!hasGap) print(json ? JSON.stringify({ gap: event.reason }) : `events were missed (${event.reason})`)
      hasGap = true
    }
    if (event.type !== 'fact') return
    hasGap = false
    const { topic, params } = event
    print(json ? JSON.stringify({ topic, ...params }) : eventText(screen, topic, params as unknown as Params))
  }
  const ended = new Promise<Outcome>((resolve, reject) => {
    if (signal.aborted) resolve({ status: 0 })
    signal.addEventListener('abort', () => resolve({ status: 0 }), { once: true })
    service.onState((state, reason) => {
      if (state === 'closed' && reason !== undefined) reject(reason)
      // Further attempts would only lock out others of this host.
      if (state === 'waiting' && reason instanceof RpcError && reason.code === -32001) reject(reason)
      else if (state === 'waiting')
        log.warn(`the connection was lost (${reason?.message ?? 'no reason'}), connecting again`)
      if (state === 'open') log.warn('connected again')
    })
  })
  // Nobody waits for it until all topics are subscribed.
  ended.catch(() => {})
  await Promise.all(
    names.map((name) =>
      client.on(name, filters, listener).catch((error: unknown) => {
        // A viewer does not get all topics, and an older service has fewer.
        if (asked !== undefined || !(error instanceof RpcError)) throw error
      }),
    ),
  )
  return ended
}

function topicOf(word: string): Topic {
  const found = topicNames.find((name) => name === word)
  if (found !== undefined) return found
  throw new UsageError(`--topics: ${JSON.stringify(word)} is not a topic${hintOf(word, topicNames)}; see docs/api.md`)
}

type Params = Record<string, unknown> & { at: string; severity: string }

const colours: Readonly<Record<string, Colour>> = { warning: 'yellow', error: 'red', critical: 'red', info: 'dim' }
/** Shown elsewhere in the line, or of no use to a person. */
const hidden = new Set(['at', 'timestamp', 'seq', 'severity', 'device', 'details', 'reason', 'camera'])

/** `2026-01-02 03:04:05.123Z  warning  camera0  recording.interrupted  the camera was unplugged  filename=…` */
export function eventText(screen: Screen, topic: string, params: Params): string {
  const { at, severity, device, details, reason } = params
  const scalars = Object.entries(params).flatMap(([name, value]) => {
    const isScalar = ['string', 'number', 'boolean'].includes(typeof value)
    return isScalar && !hidden.has(name) ? [`${name}=${valueText(value)}`] : []
  })
  const why = details ?? reason
  const parts = [
    paint(screen, 'dim', clean(at.replace('T', ' '))),
    paint(screen, colours[severity], clean(severity).padEnd(8)),
    clean(typeof device === 'string' ? device : '-').padEnd(8),
    clean(topic).padEnd(22),
    ...(why === undefined ? [] : [clean(String(why))]),
    scalars.map(clean).join(' '),
  ]
  return parts.join('  ').trimEnd()
}

function valueText(value: unknown): string {
  if (typeof value === 'number') return String(rounded(value))
  return typeof value === 'string' && /[\s=]|^$/.test(value) ? JSON.stringify(value) : String(value)
}
