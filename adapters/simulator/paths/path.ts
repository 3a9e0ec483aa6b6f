import { microseconds } from '../clock.js'
import { compare } from '../config/config.js'
import { milliseconds } from '../config/duration.js'
import type { PathConf } from '../config/fields.js'
import { type Log, labelled } from '../log.js'
import { createRecorder, type Recorder } from '../record/recorder.js'
import { countTracks, createStream, type Stream } from '../stream.js'
import type { Commands } from './commands.js'
import { createDemand, type Demand } from './demand.js'
import { createHooks } from './hooks.js'
import { type Puller, pull } from './pull.js'
import { type Client, describePath } from './view.js'

/** The path has no publisher, and no source that can be started on demand. */
export class NoStream extends Error {}

/** What a path needs. */
export interface PathOptions {
  name: string
  conf: PathConf
  rtspPort: string
  /** In ms. */
  readTimeout: number
  commands: Commands
  log: Log
  /** Called when a path that exists only because of a regular expression is no longer used. */
  idle: () => void
}

/** One path: its stream, its readers and its source. */
export interface Path {
  readonly conf: PathConf
  /** Resolves with the stream when it is available. The request is held for as long as MediaMTX would hold it. */
  describe(query: string): Promise<Stream>
  /** Like `describe`. The reader counts from then on. */
  addReader(reader: Client, query: string): Promise<Stream>
  removeReader(reader: Client): void
  /** Throws an Error when the publisher is refused. */
  addPublisher(publisher: Client, sdp: string): Stream
  removePublisher(publisher: Client): void
  /** Takes over a configuration that differs only in hot fields. */
  reload(conf: PathConf): void
  /** Returns the path as the API shows it. */
  view(): Record<string, unknown>
  close(): void
}

/** A request that waits for the stream. */
interface Held {
  run: (stream: Stream) => void
  fail: (error: Error) => void
}

/** The live stream of a path, while it has one. */
interface Live {
  stream: Stream
  /** Microseconds since 1970. */
  since: number
}

/** Opens a path. A source that is not on demand starts at once. */
export function createPath({ name, rtspPort, readTimeout, commands, idle, ...options }: PathOptions): Path {
  const log = labelled(options.log, `path ${name}`)
  const environment = { MTX_PATH: name, RTSP_PATH: name, RTSP_PORT: rtspPort }
  let { conf } = options
  const isPull = conf.source !== 'publisher'
  const hooks = createHooks({ conf, environment, commands, log })
  const readers = new Set<Client>()
  const held: Held[] = []
  let live: Live | undefined
  let recorder: Recorder | undefined
  let publisher: Client | undefined
  let closed = false

  const leaveIfIdle = (): void => {
    const isUsed = publisher !== undefined || puller?.running || readers.size > 0 || held.length > 0
    if (!closed && conf.name !== name && !isUsed) idle()
  }
  const failHeld = (reason: string): void => {
    for (const { fail } of held.splice(0)) fail(new Error(reason))
  }

  // ------------------------------------------------------------ the stream

  const updateRecorder = (): void => {
    if (!live || !conf.record || recorder) return
    recorder = createRecorder({ path: name, stream: live.stream, conf, log: labelled(log, 'recorder'), hooks })
  }
  const closeRecorder = (): void => {
    recorder?.close()
    recorder = undefined
  }

  /** `owner`: the publisher; a pulled stream has none. */
  const open = (sdp: string, owner?: Client): Stream => {
    const stream = createStream(sdp)
    live = { stream, since: microseconds() }
    publisher = owner
    updateRecorder()
    log('INF', `stream is available and online, ${countTracks(stream.tracks.map(({ label }) => label))}`)
    demand?.available()
    for (const { run } of held.splice(0)) run(stream)
    return stream
  }

  const setNotAvailable = (): void => {
    if (!live) return
    const leaving = [...readers]
    readers.clear()
    closeRecorder()
    live = undefined
    for (const reader of leaving) reader.close('terminated')
  }

  const removePublisher = (gone: Client): void => {
    if (publisher !== gone) return
    publisher = undefined
    setNotAvailable()
    leaveIfIdle()
  }

  const wait = <T>(query: string, use: (stream: Stream) => T): Promise<T> =>
    new Promise<T>((resolve, reject) => {
      const run = (stream: Stream): void => {
        try {
          resolve(use(stream))
        } catch (error) {
          reject(error)
        }
      }
      if (closed) reject(new Error('terminated'))
      else if (live) run(live.stream)
      else if (demand) {
        held.push({ run, fail: reject })
        demand.request(query)
      } else {
        reject(new NoStream(`no stream is available on path '${name}'`))
        leaveIfIdle()
      }
    })

  // ------------------------------------------------------------ the source

  const lost = (): void => {
    setNotAvailable()
    demand?.stop('an error occurred')
    leaveIfIdle()
  }
  const puller: Puller | undefined = isPull
    ? pull({ url: conf.source, readTimeout, log, ready: open, lost })
    : undefined

  const startSource = (query: string): ((reason: string) => void) => {
    if (!puller) return hooks.demand(query)
    puller.start(true)
    return puller.stop
  }
  const isOnDemand = isPull ? conf.sourceOnDemand : conf.runOnDemand !== ''
  const demand: Demand | undefined = isOnDemand
    ? createDemand({
        startTimeout: milliseconds(isPull ? conf.sourceOnDemandStartTimeout : conf.runOnDemandStartTimeout),
        closeAfter: milliseconds(isPull ? conf.sourceOnDemandCloseAfter : conf.runOnDemandCloseAfter),
        start: startSource,
        timedOut: () => failHeld(`source of path '${name}' has timed out`),
        unused: () => {
          // A publisher ends with its command.
          if (isPull) setNotAvailable()
        },
        stopped: leaveIfIdle,
      })
    : undefined
  if (!demand) puller?.start(false)

  return {
    get conf() {
      return conf
    },
    describe: (query) => wait(query, (stream) => stream),
    addReader: (reader, query) =>
      wait(query, (stream) => {
        if (conf.maxReaders !== 0 && readers.size >= conf.maxReaders) throw new Error('maximum reader count reached')
        readers.add(reader)
        demand?.occupied()
        return stream
      }),
    removeReader: (reader) => {
      readers.delete(reader)
      if (!closed && readers.size === 0) demand?.vacant()
      leaveIfIdle()
    },
    addPublisher: (author, sdp) => {
      if (isPull) throw new Error(`can't publish to path '${name}' since 'source' is not 'publisher'`)
      if (publisher) {
        if (!conf.overridePublisher) throw new Error(`someone is already publishing to path '${name}'`)
        log('INF', 'closing existing publisher')
        const before = publisher
        removePublisher(before)
        before.close('terminated')
      }
      return open(sdp, author)
    },
    removePublisher,
    reload: (next) => {
      const isRecordingSame = compare({ ...conf, record: true }, { ...next, name: conf.name, record: true }) === 'same'
      conf = next
      if (!conf.record || !isRecordingSame) closeRecorder()
      updateRecorder()
    },
    view: () => describePath({ name, conf, readers, publisher, ...live, isPull }),
    close: () => {
      closed = true
      failHeld('terminated')
      puller?.stop('path is closing')
      const before = publisher
      publisher = undefined
      before?.close('terminated')
      demand?.stop('path destroyed')
      setNotAvailable()
    },
  }
}
