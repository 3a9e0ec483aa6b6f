import { instant, microseconds } from '../clock.js'
import { compare, type PathConf } from '../config/config.js'
import { milliseconds } from '../config/duration.js'
import { type Log, labelled } from '../log.js'
import { createRecorder, type Recorder } from '../record/recorder.js'
import { countTracks, createStream, describeTrack, type Stream } from '../stream.js'
import type { Commands } from './commands.js'
import { type Puller, pull } from './pull.js'

export interface Client {
  id: string
  /** Ends its session and connection. */
  close(reason: string): void
}

/** Nobody publishes, and nothing can be started on demand. */
export class NoStream extends Error {}

export interface PathOptions {
  name: string
  conf: PathConf
  /** Of the regular expression that the name matched. */
  groups: string[]
  rtspPort: string
  readTimeout: number
  commands: Commands
  log: Log
  /** A path of a regular expression that nobody uses any more. */
  idle: () => void
}

export interface Path {
  readonly conf: PathConf
  describe(query: string): Promise<{ stream: Stream } | { redirect: string }>
  /** Resolves when the stream is live: the reader counts from then on. Held for as long as MediaMTX would hold it. */
  addReader(reader: Client, query: string): Promise<Stream>
  removeReader(reader: Client): void
  addPublisher(publisher: Client, sdp: string): Stream
  removePublisher(publisher: Client): void
  /** Takes over hot fields. */
  reload(conf: PathConf): void
  view(): Record<string, unknown>
  close(): void
}

interface Held {
  run: (stream: Stream) => void
  fail: (error: Error) => void
}

type DemandState = 'initial' | 'waiting' | 'ready' | 'closing'

/**
 * One path with its on-demand state machine, as MediaMTX has it (initial → waiting → closing ⇄ ready → initial), and its trap: after
 * a publisher was lost the state is `closing` and new readers are held without a timer; nothing is started for them until
 * the close timer has fired and one more request has come.
 */
export function createPath({
  name,
  conf: first,
  groups,
  rtspPort,
  readTimeout,
  commands,
  log: parentLog,
  idle,
}: PathOptions): Path {
  const log = labelled(parentLog, `path ${name}`)
  let conf = first
  let stream: Stream | undefined
  let recorder: Recorder | undefined
  let availableAt = 0
  let publisher: Client | undefined
  let puller: Puller | undefined
  let state: DemandState = 'initial'
  let startTimer: NodeJS.Timeout | undefined
  let closeTimer: NodeJS.Timeout | undefined
  let stopCommand: ((reason: string) => void) | undefined
  let closed = false
  const readers = new Set<Client>()
  let held: Held[] = []

  const isStatic = (): boolean => conf.source !== 'publisher' && conf.source !== 'redirect'
  const demand = (): { startTimeout: number; closeAfter: number } | undefined => {
    if (isStatic() && conf.sourceOnDemand)
      return {
        startTimeout: milliseconds(conf.sourceOnDemandStartTimeout),
        closeAfter: milliseconds(conf.sourceOnDemandCloseAfter),
      }
    if (conf.runOnDemand || conf.runOnUnDemand)
      return {
        startTimeout: milliseconds(conf.runOnDemandStartTimeout),
        closeAfter: milliseconds(conf.runOnDemandCloseAfter),
      }
    return undefined
  }
  const environment: Record<string, string> = { MTX_PATH: name, RTSP_PATH: name, RTSP_PORT: rtspPort }
  for (const [n, group] of groups.entries()) environment[`G${n + 1}`] = group

  const leaveIfIdle = (): void => {
    if (!closed && conf.name !== name && !publisher && !puller?.running && readers.size === 0 && held.length === 0)
      idle()
  }

  // ------------------------------------------------------------ the stream

  const setAvailable = (sdp: string): Stream => {
    const made = createStream(sdp)
    stream = made
    availableAt = microseconds()
    startRecorder()
    log('INF', `stream is available and online, ${countTracks(made.tracks.map(({ label }) => label))}`)
    return made
  }

  const setNotAvailable = (): void => {
    if (!stream) return
    const leaving = [...readers]
    readers.clear()
    recorder?.close()
    recorder = undefined
    stream = undefined
    for (const reader of leaving) reader.close('terminated')
  }

  const consumeHeld = (live: Stream): void => {
    const now = held
    held = []
    for (const request of now) request.run(live)
  }

  const becameReady = (live: Stream): void => {
    if (demand() && state !== 'initial') {
      clearTimeout(startTimer)
      scheduleClose()
    }
    consumeHeld(live)
  }

  const startRecorder = (): void => {
    if (!stream || !conf.record || recorder) return
    const launch = (line: string, label: string, more: Record<string, string>): void => {
      if (line === '') return
      log('INF', `${label} command launched`)
      commands.start({ line, environment: { ...environment, ...more } })
    }
    recorder = createRecorder({
      path: name,
      stream,
      conf,
      log: labelled(log, 'recorder'),
      segmentCreated: (file) =>
        launch(conf.runOnRecordSegmentCreate, 'runOnRecordSegmentCreate', { MTX_SEGMENT_PATH: file }),
      segmentCompleted: (file, seconds) =>
        launch(conf.runOnRecordSegmentComplete, 'runOnRecordSegmentComplete', {
          MTX_SEGMENT_PATH: file,
          MTX_SEGMENT_DURATION: String(seconds),
        }),
    })
  }

  // ------------------------------------------------------------ on demand

  const startDemand = (query: string): void => {
    if (isStatic()) puller?.start(true)
    else stopCommand = startCommand(query)
    clearTimeout(startTimer)
    startTimer = setTimeout(() => {
      const error = new Error(`source of path '${name}' has timed out`)
      const now = held
      held = []
      for (const request of now) request.fail(error)
      stopDemand('timed out')
      leaveIfIdle()
    }, demand()?.startTimeout ?? 0)
    state = 'waiting'
  }

  const scheduleClose = (): void => {
    clearTimeout(closeTimer)
    closeTimer = setTimeout(() => {
      if (isStatic()) setNotAvailable()
      stopDemand('not needed by anyone')
      leaveIfIdle()
    }, demand()?.closeAfter ?? 0)
    state = 'closing'
  }

  const stopDemand = (reason: string): void => {
    clearTimeout(closeTimer)
    clearTimeout(startTimer)
    state = 'initial'
    if (isStatic()) puller?.stop(reason)
    stopCommand?.(reason)
    stopCommand = undefined
  }

  const startCommand = (query: string): ((reason: string) => void) => {
    const all = { ...environment, MTX_QUERY: encodeURIComponent(query).replace(/%20/g, '+') }
    let stop: (() => void) | undefined
    if (conf.runOnDemand) {
      log('INF', 'runOnDemand command started')
      stop = commands.start({
        line: conf.runOnDemand,
        environment: all,
        restart: conf.runOnDemandRestart,
        exited: (reason) => log('INF', `runOnDemand command exited: ${reason}`),
      })
    }
    return (reason) => {
      if (stop) log('INF', `runOnDemand command stopped: ${reason}`)
      stop?.()
      if (conf.runOnUnDemand) {
        log('INF', 'runOnUnDemand command launched')
        commands.start({ line: conf.runOnUnDemand, environment: all })
      }
    }
  }

  /** The live stream, or a wait for one. */
  const wait = <T>(query: string, run: (stream: Stream) => T): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const answer = (live: Stream): void => {
        try {
          resolve(run(live))
        } catch (error) {
          reject(error)
        }
      }
      if (closed) reject(new Error('terminated'))
      else if (stream) answer(stream)
      else if (demand()) {
        held.push({ run: answer, fail: reject })
        if (state === 'initial') startDemand(query)
      } else {
        reject(new NoStream(`no stream is available on path '${name}'`))
        leaveIfIdle()
      }
    })

  // ------------------------------------------------------------ sources

  const removePublisher = (gone: Client): void => {
    if (publisher !== gone) return
    publisher = undefined
    setNotAvailable()
    leaveIfIdle()
  }

  if (isStatic()) {
    puller = pull({
      conf,
      readTimeout,
      log,
      ready: (sdp) => {
        const live = setAvailable(sdp)
        becameReady(live)
        return live
      },
      lost: () => {
        setNotAvailable()
        if (conf.sourceOnDemand && state !== 'initial') stopDemand('an error occurred')
        leaveIfIdle()
      },
    })
    if (!conf.sourceOnDemand) puller.start(false)
  }
  let stopInit: (() => void) | undefined
  if (conf.runOnInit) {
    log('INF', 'runOnInit command started')
    stopInit = commands.start({
      line: conf.runOnInit,
      environment,
      restart: conf.runOnInitRestart,
      exited: (reason) => log('INF', `runOnInit command exited: ${reason}`),
    })
  }

  return {
    get conf() {
      return conf
    },
    describe: (query) =>
      conf.source === 'redirect'
        ? Promise.resolve({ redirect: conf.sourceRedirect })
        : wait(query, (live) => ({ stream: live })),
    addReader: (reader, query) =>
      wait(query, (live) => {
        if (conf.maxReaders !== 0 && readers.size >= conf.maxReaders) throw new Error('maximum reader count reached')
        readers.add(reader)
        if (demand() && state === 'closing') {
          state = 'ready'
          clearTimeout(closeTimer)
        }
        return live
      }),
    removeReader: (reader) => {
      readers.delete(reader)
      if (!closed && readers.size === 0 && demand() && state === 'ready') scheduleClose()
      leaveIfIdle()
    },
    addPublisher: (author, sdp) => {
      if (conf.source !== 'publisher')
        throw new Error(`can't publish to path '${name}' since 'source' is not 'publisher'`)
      if (publisher) {
        if (!conf.overridePublisher) throw new Error(`someone is already publishing to path '${name}'`)
        log('INF', 'closing existing publisher')
        const before = publisher
        removePublisher(before)
        before.close('terminated')
      }
      const live = setAvailable(sdp)
      publisher = author
      becameReady(live)
      return live
    },
    removePublisher,
    reload: (next) => {
      const before = conf
      conf = next
      const same = compare({ ...before, record: true }, { ...next, name: before.name, record: true }) === 'same'
      if (recorder && (!next.record || !same)) {
        recorder.close()
        recorder = undefined
      }
      startRecorder()
    },
    view: () => {
      const at = stream ? instant(availableAt) : null
      const { inboundBytes = 0, outboundBytes = 0 } = stream ?? {}
      return {
        name,
        confName: conf.name,
        ready: stream !== undefined,
        readyTime: at,
        available: stream !== undefined,
        availableTime: at,
        online: stream !== undefined || puller !== undefined,
        onlineTime: at ?? (puller ? '0001-01-01T00:00:00Z' : null),
        source: publisher
          ? { type: 'rtspSession', id: publisher.id }
          : puller
            ? { type: 'rtspSource', id: '' }
            : conf.source === 'redirect'
              ? { type: 'redirect', id: '' }
              : null,
        tracks: stream?.tracks.map(({ label }) => label) ?? [],
        tracks2: stream?.tracks.map(describeTrack) ?? [],
        readers: [...readers].map(({ id }) => ({ type: 'rtspSession', id })).sort((a, b) => (a.id < b.id ? -1 : 1)),
        inboundBytes,
        outboundBytes,
        inboundFramesInError: 0,
        bytesReceived: inboundBytes,
        bytesSent: outboundBytes,
      }
    },
    close: () => {
      closed = true
      clearTimeout(startTimer)
      clearTimeout(closeTimer)
      stopInit?.()
      const now = held
      held = []
      for (const request of now) request.fail(new Error('terminated'))
      puller?.stop('path is closing')
      const before = publisher
      publisher = undefined
      before?.close('terminated')
      stopCommand?.('path destroyed')
      setNotAvailable()
    },
  }
}
