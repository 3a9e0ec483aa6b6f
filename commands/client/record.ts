import { bytesText, count } from '../../machines/domain/amounts.js'
import {
  type CameraServiceClient,
  type Methods,
  type Notifications,
  RpcError,
  type TopicEvent,
} from '../../rpc/client/index.js'
import type { CommandOf } from '../line/command.js'
import { CommandError, interrupted, type Outcome, unavailable } from '../outcome.js'
import type { ClientPorts } from './open.js'
import { clean, clockText } from './screen.js'
import { refusalOf, type Service } from './service.js'

type RecordPorts = Pick<ClientPorts, 'screen' | 'signal' | 'clock'>
type Calling = Pick<CameraServiceClient, 'call' | 'on'>
type Watched = Pick<Service, 'onState'>

/** A start may have to wake the camera, a stop waits for the last file (ms). */
const startLimit = 60_000
const stopLimit = 90_000
/** Progress is shown this often (ms). */
const every = 1_000
/** A service that has been away for so much longer than the recording takes (ms) is not waited for. */
const patience = 30_000

/** `stop ID`: stops a recording and prints its files. */
export async function stop(
  { device, json }: Pick<CommandOf<'stop'>, 'device' | 'json'>,
  { screen }: Pick<ClientPorts, 'screen'>,
  client: Pick<CameraServiceClient, 'call'>,
): Promise<Outcome> {
  screen.progress?.(`${device}: stopping the recording`)
  const ended = await client
    .call('stop_recording', { device }, { timeout: stopLimit })
    .finally(() => screen.progress?.(''))
  return { status: 0, out: json ? JSON.stringify(ended, null, 2) : endText(ended) }
}

/** `record ID [--for TIME]`: with a duration, waits for the end. An interruption stops the recording: status 130. */
export async function record(
  { device, duration, detach, format, json }: Omit<CommandOf<'record'>, 'name' | 'connection' | 'flags'>,
  ports: RecordPorts,
  client: Calling,
  service: Watched,
): Promise<Outcome> {
  const { screen, signal } = ports
  const waits = duration !== undefined && !detach
  // Before the start: no end is missed.
  const watch = waits ? await watchEnd(client, service, { device, limit: duration * 1_000 + patience }) : undefined
  try {
    screen.progress?.(`${device}: starting the recording`)
    const params = { device, ...(duration !== undefined && { duration }), ...(format !== undefined && { format }) }
    // Not with the signal: the service would start it all the same.
    const started = await client
      .call('start_recording', params, { timeout: startLimit })
      .finally(() => screen.progress?.(''))
    if (watch === undefined) return startedOutcome(started, { duration, json })
    watch.began(started)
    const show = showProgress(client, watch, { device, files: started.files, duration: duration ?? 0 }, ports)
    try {
      const ended = await Promise.race([watch.ended, abortOf(signal)])
      if (ended !== 'aborted') return endedOutcome(ended, json, duration)
    } finally {
      show.end()
    }
    screen.progress?.(`${device}: stopping the recording`)
    return await stopEarly(client, watch, { device, json }).finally(() => screen.progress?.(''))
  } finally {
    watch?.dispose()
  }
}

type Started = Methods['start_recording']['result']
type Stopped = Notifications['recording.stop']
type Failed = Extract<Notifications['recording.error'], { status: 'ERROR' }>
type Ended = Stopped | Failed

function startedOutcome(
  started: Started,
  { duration, json }: { duration: number | undefined; json: boolean },
): Outcome {
  if (json) return { status: 0, out: JSON.stringify(started, null, 2) }
  const { device, filename } = started
  const until = duration === undefined ? `camera-service stop ${device} stops it` : `it ends in ${clockText(duration)}`
  return { status: 0, out: clean(filename), err: `${device} is recording; ${until}` }
}

/** `duration`: the requested one, in s; absent: this command stopped the recording. */
function endedOutcome(ended: Ended, json: boolean, duration?: number): Outcome {
  const out = json ? { out: JSON.stringify(ended, null, 2) } : ended.files.length > 0 ? { out: endText(ended) } : {}
  const complaint = complaintOf(ended, duration)
  return complaint === undefined ? { status: 0, ...out } : { status: 1, ...out, err: `camera-service: ${complaint}` }
}

function complaintOf(
  { device, status, reason, details, duration: recorded }: Ended,
  duration?: number,
): string | undefined {
  const why = clean(details ?? reason)
  if (status === 'ERROR')
    return `the recording of ${device} has failed: ${why}; camera-service explain ${device} says more`
  if (duration === undefined || reason === 'duration_reached') return undefined
  const end = reason === 'requested' ? 'another client stopped it' : why
  return `the recording of ${device} ended after ${clockText(recorded)} of ${clockText(duration)}: ${end}`
}

/** The files, one per line, and the whole behind them. */
function endText(ended: Pick<Ended, 'files' | 'duration' | 'file_size' | 'gaps'>): string {
  const { files, duration, file_size, gaps } = ended
  const gap = gaps.length === 0 ? '' : `, ${count(gaps.length, 'gap')}`
  const whole = `${clockText(duration)}, ${bytesText(file_size)}${gap}`
  return files.length === 1 ? `${clean(files[0] ?? '')}  ${whole}` : [...files.map(clean), whole].join('\n')
}

async function stopEarly(
  client: Calling,
  watch: Watch,
  { device, json }: { device: string; json: boolean },
): Promise<Outcome> {
  try {
    return { ...(await stop({ device, json }, { screen: { colours: false } }, client)), status: interrupted }
  } catch (error) {
    // It has ended at the same moment.
    const ended = watch.now()
    if (ended !== undefined) return endedOutcome(ended, json)
    const { err = '' } = refusalOf(error) ?? { err: '' }
    if (error instanceof RpcError || err === '') throw error
    return { status: interrupted, err: `${err}. The recording goes on, and the service stops it in time` }
  }
}

interface Watch {
  began(started: Started): void
  ended: Promise<Ended>
  /** The end, if it is known. */
  now(): Ended | undefined
  /** Why the recording does not grow at present. */
  trouble(): string | undefined
  dispose(): void
}

/** Waits for the end of the recording that begins next. Over a loss of the connection, too. */
async function watchEnd(
  client: Calling,
  service: Watched,
  { device, limit }: { device: string; limit: number },
): Promise<Watch> {
  let started: Started | undefined
  let known: Ended | undefined
  let trouble: string | undefined
  let settle = (_: Ended) => {}
  let fail = (_: unknown) => {}
  const ended = new Promise<Ended>((resolve, reject) => {
    settle = resolve
    fail = reject
  })
  // Nobody may be waiting for it yet.
  ended.catch(() => {})
  const end = (params: Ended) => {
    if (started === undefined) return
    known = params
    settle(params)
  }
  /** Facts were missed: the recording may have ended meanwhile. */
  const look = async () => {
    if (started === undefined) return
    const { recording } = await client.call('get_camera_status', { device })
    if (recording !== undefined) return
    const { filename } = started
    throw new CommandError(
      `the recording of ${device} ended while there was no connection: camera-service download ${clean(filename)} fetches it`,
      1,
    )
  }
  const listener = (event: TopicEvent<'recording.stop' | 'recording.error' | 'recording.progress'>) => {
    if (event.type === 'gap') void look().catch(fail)
    if (event.type === 'refused') fail(event.error)
    if (event.type !== 'fact') return
    const { params } = event
    if (params.status === 'STOPPED' || params.status === 'ERROR') end(params as Ended)
    else trouble = params.status === 'INTERRUPTED' ? clean(params.details ?? params.reason ?? '') : undefined
  }
  let away: NodeJS.Timeout | undefined
  const giveUp = () =>
    fail(
      new CommandError(
        `the connection to the service was lost, and it has not come back; the recording of ${device} was to end meanwhile: its files are in camera-service recordings when the service runs again`,
        unavailable,
      ),
    )
  service.onState((state, reason) => {
    if (state === 'closed' && reason !== undefined) fail(reason)
    if (state === 'open') {
      clearTimeout(away)
      away = undefined
    } else away ??= setTimeout(giveUp, limit)
    trouble = state === 'open' ? undefined : 'the connection was lost, connecting again'
  })
  const topics = ['recording.stop', 'recording.error', 'recording.progress'] as const
  const offs = await Promise.all(topics.map((topic) => client.on(topic, { device }, listener)))
  return {
    began: (reply) => {
      started = reply
    },
    ended,
    now: () => known,
    trouble: () => trouble,
    dispose: () => {
      clearTimeout(away)
      for (const off of offs) off()
    },
  }
}

const abortOf = (signal: AbortSignal): Promise<'aborted'> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve('aborted')
    signal.addEventListener('abort', () => resolve('aborted'), { once: true })
  })

/** Shows time and bytes of a recording on a terminal. */
function showProgress(
  client: Pick<CameraServiceClient, 'call'>,
  watch: Watch,
  { device, files, duration }: { device: string; files: readonly string[]; duration: number },
  { screen, clock }: Pick<RecordPorts, 'screen' | 'clock'>,
): { end(): void } {
  const { progress } = screen
  if (progress === undefined) return { end: () => {} }
  const began = clock.monotonic()
  let bytes: number | undefined
  let isAsking = false
  let isOver = false
  const measure = async () => {
    const { recording } = await client.call('get_camera_status', { device })
    const names = recording?.files.length ? recording.files : files
    const infos = await Promise.all(names.map((filename) => client.call('get_recording_info', { filename })))
    bytes = infos.reduce((sum, { file_size }) => sum + file_size, 0)
  }
  const show = () => {
    if (isOver) return
    const time = `${clockText((clock.monotonic() - began) / 1000)} of ${clockText(duration)}`
    const trouble = watch.trouble()
    const state = trouble === undefined ? 'recording' : `interrupted (${trouble})`
    progress([`${device}: ${state}, ${time}`, ...(bytes === undefined ? [] : [bytesText(bytes)])].join(', '))
  }
  const timer = setInterval(() => {
    show()
    if (isAsking) return
    isAsking = true
    // The number is missing until it can be asked again.
    void measure()
      .catch(() => {})
      .then(() => {
        isAsking = false
        show()
      })
  }, every)
  show()
  return {
    end: () => {
      isOver = true
      clearInterval(timer)
      progress('')
    },
  }
}
