import type { PipelineEvent } from '../../machines/domain/ports.js'
import type { PipelineProcess } from './processes.js'
import type { ProgressBlock } from './progress.js'

export interface WatcherOptions {
  listener: (event: PipelineEvent) => void
  now: () => number
  /** No new frame for so long, in ms, while the process lives: stalled. */
  stallAfter: number
  /** The same for its first frame. */
  firstFrameWithin: number
  /** The camera's process now. */
  find: () => PipelineProcess | undefined
  isAlive: (process: PipelineProcess) => boolean
  /** What the failure tap says; `changedAt`: epoch ms, 0 when there is none. */
  report: () => { changedAt: number; reason?: string }
  /** It was read, and holds what is nobody's business: the pipeline's command line. */
  clearReport?: () => void
  /** Why we ended it ourselves, if we did. */
  ownDoing: () => string | undefined
}

export interface Watcher {
  /** A progress report; `port` is its sender's, another one with each process. */
  block(block: ProgressBlock, port: number): void
  /** The failure tap was written to: a process has begun, or failed. */
  reportChanged(): void
  /** To be called a few times a second while `isActive`. */
  tick(): void
  isActive(): boolean
  isRunning(): boolean
}

/** Two reports of ffmpeg that did not come. */
const silence = 1_000
/** A process that has begun is in /proc long before. */
const birth = 300
/** Ends in good order take no longer. */
const farewell = 2_000

type Phase =
  | { name: 'asleep' }
  | { name: 'starting'; at: number }
  | {
      name: 'running' | 'stalled' | 'ending'
      port: number
      frames: number
      at: number
      process: PipelineProcess | undefined
    }

/**
 * What the taps of one camera mean. Frames that grow in number are the sign of life: newer ffmpegs go on reporting when the
 * camera hangs. That a process is gone is seen in /proc, also when nothing was said before.
 */
export function createWatcher({
  listener,
  now,
  stallAfter,
  firstFrameWithin,
  find,
  isAlive,
  report,
  clearReport,
  ownDoing,
}: WatcherOptions): Watcher {
  let phase: Phase = { name: 'asleep' }
  /** Reports up to here belong to processes that were told of. */
  let toldUpTo = report().changedAt

  const end = (otherwise: string) => {
    const { changedAt, reason } = report()
    phase = { name: 'asleep' }
    toldUpTo = changedAt
    // Not that of a process that has begun meanwhile. Clearing changes the file, too.
    if (clearReport && !find()) {
      clearReport()
      toldUpTo = report().changedAt
    }
    listener({ type: 'pipeline.ended', reason: ownDoing() ?? reason ?? otherwise })
  }

  const tickStarting = (at: number) => {
    const silentFor = now() - at
    const process = find()
    if (process && silentFor > firstFrameWithin) {
      phase = { name: 'stalled', port: 0, frames: 0, at, process }
      listener({ type: 'pipeline.stalled', silentFor })
    }
    if (process || silentFor < birth) return
    if (report().changedAt > toldUpTo) end('ended before its first frame')
    else phase = { name: 'asleep' }
  }

  const tickRunning = (running: Exclude<Phase, { name: 'asleep' | 'starting' }>) => {
    const silentFor = now() - running.at
    running.process ??= find()
    const isGone = running.process ? !isAlive(running.process) : silentFor > stallAfter
    if (running.name === 'ending') {
      if (isGone || silentFor > farewell) end('no longer in use')
    } else if (silentFor > silence && isGone) end('its process was killed')
    else if (running.name === 'running' && silentFor > stallAfter) {
      running.name = 'stalled'
      listener({ type: 'pipeline.stalled', silentFor })
    }
  }

  return {
    isActive: () => phase.name !== 'asleep',
    isRunning: () => phase.name === 'running',
    reportChanged() {
      if (phase.name === 'asleep') phase = { name: 'starting', at: now() }
    },
    block({ last, ...progress }, port) {
      const before = phase.name === 'asleep' || phase.name === 'starting' ? undefined : phase
      if (last) {
        if (before?.port === port) phase = { ...before, name: 'ending', at: now() }
        return
      }
      if (
        progress.frames === 0 ||
        (before?.port === port && (progress.frames <= before.frames || before.name === 'ending'))
      )
        return
      if (before && before.port !== port)
        listener({ type: 'pipeline.ended', reason: ownDoing() ?? 'another process took its place' })
      phase = {
        name: 'running',
        port,
        frames: progress.frames,
        at: now(),
        process: before?.port === port ? before.process : find(),
      }
      listener({ type: 'pipeline.running', progress })
    },
    tick() {
      if (phase.name === 'starting') tickStarting(phase.at)
      else if (phase.name !== 'asleep') tickRunning(phase)
    },
  }
}
