import { isCameraId } from '../../machines/domain/camera.js'
import type { PathSpec } from '../../machines/domain/ports.js'

/** What all paths share. Durations in ms. */
export interface PathDefaults {
  /** How long a source runs on after its last reader. */
  closeAfter: number
  /** How long a reader waits for the source; above 5 s + the source's start, as MediaMTX pauses 5 s before a restart. */
  startTimeout: number
  /** What a crash may cost of a recording. */
  partDuration: number
  segmentDuration: number
  /** `<recordings>/%path/%path_%Y-%m-%d_%H-%M-%S-%f`: without `%f` a quick stop and start overwrites the first file. */
  recordPath: string
}

/** A path's configuration as MediaMTX takes it. */
export type PathBody = Record<string, string | boolean>

/** MediaMTX's own notation: `10s`, `200ms`. */
export const duration = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`)

/** How paths record. Nothing is deleted by the media server: retention is ours. */
export const recordBody = ({ recordPath, partDuration, segmentDuration }: PathDefaults): PathBody => ({
  recordPath,
  recordFormat: 'fmp4',
  recordPartDuration: duration(partDuration),
  recordSegmentDuration: duration(segmentDuration),
  recordDeleteAfter: '0s',
})

/** The whole configuration of a path, for `replace` and for the file. */
export function pathBody(spec: PathSpec, record: boolean, defaults: PathDefaults): PathBody {
  checkSpec(spec)
  const startTimeout = duration(defaults.startTimeout)
  const closeAfter = duration(defaults.closeAfter)
  const source: PathBody =
    'command' in spec.source
      ? {
          source: 'publisher',
          runOnDemand: spec.source.command,
          runOnDemandRestart: true,
          runOnDemandStartTimeout: startTimeout,
          runOnDemandCloseAfter: closeAfter,
        }
      : {
          source: spec.source.url,
          sourceOnDemand: true,
          sourceOnDemandStartTimeout: startTimeout,
          sourceOnDemandCloseAfter: closeAfter,
        }
  return { ...source, record, ...recordBody(defaults) }
}

/** Throws for what must never be sent: a blank command is accepted with 200 and panics MediaMTX at the first reader. */
export function checkSpec({ name, source }: PathSpec): void {
  if (!isCameraId(name)) throw new Error('a path is named after its camera')
  if ('command' in source && source.command.trim() === '') throw new Error(`the command of ${name} is blank`)
  if ('url' in source && !/^rtsps?:\/\/[^\s/]+/i.test(source.url))
    throw new Error(`the source of ${name} is no RTSP address`)
}
