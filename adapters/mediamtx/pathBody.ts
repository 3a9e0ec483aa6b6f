import { isCameraId } from '../../machines/domain/camera.js'
import type { PathSpec } from '../../machines/domain/ports.js'

/** The settings that all paths share. Durations in ms. */
export interface PathDefaults {
  /** How long a source keeps running after its last reader. */
  closeAfter: number
  /** How long a reader waits for the source. More than 5 s plus the start time: MediaMTX waits 5 s before a restart. */
  startTimeout: number
  /** The maximum length of a recording that a crash may lose. */
  partDuration: number
  segmentDuration: number
  /** `<recordings>/%path/%path_%Y-%m-%d_%H-%M-%S-%f`: without `%f` a quick restart would overwrite the first file. */
  recordPath: string
}

/** The configuration of a path in MediaMTX's fields. */
export type PathBody = Record<string, string | boolean>

/** Returns a duration in MediaMTX's notation: `10s`, `200ms`. */
export const duration = (ms: number): string => (ms % 1000 === 0 ? `${ms / 1000}s` : `${Math.round(ms)}ms`)

/** Returns the recording settings of a path. The media server deletes no files, because this service does it. */
export const recordBody = ({ recordPath, partDuration, segmentDuration }: PathDefaults): PathBody => ({
  recordPath,
  recordFormat: 'fmp4',
  recordPartDuration: duration(partDuration),
  recordSegmentDuration: duration(segmentDuration),
  recordDeleteAfter: '0s',
})

/** Returns the complete configuration of a path. */
export function pathBody(spec: PathSpec, record: boolean, defaults: PathDefaults): PathBody {
  checkSpec(spec)
  const startTimeout = duration(defaults.startTimeout)
  const closeAfter = duration(defaults.closeAfter)
  const source: PathBody =
    'command' in spec.source
      ? {
          source: 'publisher',
          // A second publisher is refused while one publishes; by default it would replace the first.
          overridePublisher: false,
          runOnDemand: spec.source.command,
          runOnDemandRestart: true,
          runOnDemandStartTimeout: startTimeout,
          runOnDemandCloseAfter: closeAfter,
        }
      : {
          source: spec.source.url,
          ...(spec.source.transport && { rtspTransport: spec.source.transport }),
          ...(spec.source.fingerprint && { sourceFingerprint: spec.source.fingerprint }),
          sourceOnDemand: true,
          sourceOnDemandStartTimeout: startTimeout,
          sourceOnDemandCloseAfter: closeAfter,
        }
  return { ...source, record, ...recordBody(defaults) }
}

const milliseconds: Record<string, number> = {
  d: 86_400_000,
  h: 3_600_000,
  m: 60_000,
  s: 1_000,
  ms: 1,
  us: 1e-3,
  µs: 1e-3,
}

/** Reads MediaMTX's spellings of a duration: `1d12h0m0s`, `1m0s`, `200ms`, and an empty text for zero. */
const lengthOf = (text: string): number =>
  [...text.matchAll(/(\d+(?:\.\d+)?)(ms|us|µs|[dhms])/g)].reduce(
    (sum, [, number, unit = '']) => sum + Number(number) * (milliseconds[unit] ?? 0),
    0,
  )

/**
 * Returns the settings of a path that differ from the wanted ones. Settings that the server does not report, because
 * its version has not got them, are not compared.
 */
export const differences = (wanted: PathBody, found: Record<string, unknown>): string[] =>
  Object.entries(wanted).flatMap(([key, value]) => {
    const other = found[key]
    const isSame = /(Duration|Timeout|After)$/.test(key)
      ? lengthOf(String(value)) === lengthOf(String(other))
      : value === other
    return other === undefined || isSame ? [] : [key]
  })

/** Throws if the spec is not valid: MediaMTX accepts a blank command with 200 and panics at the first reader. */
export function checkSpec({ name, source }: PathSpec): void {
  if (!isCameraId(name)) throw new Error('the name of a path must be a camera id')
  if ('command' in source && source.command.trim() === '') throw new Error(`the command of ${name} is blank`)
  if ('url' in source && !/^rtsps?:\/\/[^\s/]+/i.test(source.url))
    throw new Error(`the source of ${name} is not an RTSP URL`)
}
