import * as Type from 'typebox'
import { invalidParam } from '../../machines/domain/errors.js'
import { isStem, maxStem } from '../../machines/domain/fileName.js'
import { method } from '../method.js'
import { given, iso, passedOverOf } from '../present.js'
import { CameraName, CameraParam, Count, NewFileName, PassedOver, Tier, Time } from '../schemas.js'
import { downloadUrl } from '../signedUrls.js'

const pictureEnd = /\.(jpe?g|png)$/i

/** The name without its extension, and the format of the extension. */
const nameOf = (filename: string) => {
  const [extension] = pictureEnd.exec(filename) ?? []
  const name = extension === undefined ? filename : filename.slice(0, -extension.length)
  if (!isStem(name)) throw invalidParam('filename', `must be a name of at most ${maxStem} bytes before its extension`)
  const format: 'jpg' | 'png' | undefined = extension === undefined ? undefined : /png/i.test(extension) ? 'png' : 'jpg'
  return { name, format }
}

const fits = 'The picture is made smaller to fit, never larger, and keeps its proportions, unless `fit` is `fill`'

interface Frame {
  width?: number | undefined
  height?: number | undefined
  fit?: string | undefined
}

/** Throws `invalidParams` if the picture is to fill a frame of which a side is missing. */
export function fillOf({ width, height, fit }: Frame): 'fill' | undefined {
  if (fit !== 'fill') return undefined
  if (width === undefined || height === undefined) throw invalidParam('fit', 'fill needs a width and a height')
  return 'fill'
}

const takeSnapshot = method({
  name: 'take_snapshot',
  summary: 'Takes a snapshot by the quickest tier that works, and returns which one it was.',
  role: 'operator',
  camera: 'device',
  cost: 10,
  audit: { event: 'change' },
  errors: ['invalidState'],
  params: Type.Object({
    device: CameraParam,
    filename: Type.Optional(NewFileName),
    format: Type.Optional(Type.Enum(['jpg', 'jpeg', 'png'])),
    quality: Type.Optional(Type.Integer({ minimum: 0, maximum: 100, description: '0: the configured quality' })),
    width: Type.Optional(Type.Integer({ minimum: 16, maximum: 7680, description: fits })),
    height: Type.Optional(Type.Integer({ minimum: 16, maximum: 4320, description: fits })),
    fit: Type.Optional(
      Type.Enum(['contain', 'fill'], {
        default: 'contain',
        description: '`fill`: the picture gets exactly `width` × `height`, whatever its proportions; needs both',
      }),
    ),
    max_age: Type.Optional(
      Type.Number({
        minimum: 0,
        maximum: 3600,
        description: 'Age in seconds that the picture may have; 0: taken after the request',
      }),
    ),
  }),
  result: Type.Object({
    device: CameraName,
    filename: Type.String({ description: 'The name of the file, with its extension' }),
    status: Type.Enum(['SUCCESS', 'FAILED']),
    timestamp: Time,
    file_size: Count,
    file_path: Type.String(),
    download_url: Type.String(),
    tier: Tier,
    captured_at: Time,
    age_ms: Type.Number({ minimum: 0 }),
    width: Count,
    height: Count,
    passed_over: PassedOver,
    skipped_frames: Type.Optional(
      Type.Integer({
        minimum: 0,
        description:
          'Since 1.1. Number of dark frames that were skipped before the picture; absent: it comes from a stream',
      }),
    ),
  }),
  handler: async ({ device, filename, format, quality, width, height, fit, max_age }, call) => {
    const { services, by } = call
    const { snapshots, ask, clock } = services
    const named = filename === undefined ? undefined : nameOf(filename)
    const wanted = format === undefined ? (named?.format ?? snapshots.format) : format === 'png' ? 'png' : 'jpg'
    const taken = await ask.takeSnapshot(device, {
      ...given({ filename: named?.name, width, height, fit: fillOf({ width, height, fit }) }),
      format: wanted,
      quality: quality || snapshots.quality,
      maxAge: max_age === undefined ? snapshots.maxAge : Math.round(max_age * 1000),
      by,
    })
    return {
      device: taken.camera,
      filename: taken.filename,
      status: 'SUCCESS' as const,
      timestamp: iso(clock.now()),
      file_size: taken.bytes,
      file_path: taken.path,
      download_url: downloadUrl(call, 'snapshots', { camera: taken.camera, name: taken.filename }),
      tier: taken.tier,
      captured_at: iso(taken.capturedAt),
      age_ms: Math.max(0, Math.round(taken.age)),
      width: taken.width,
      height: taken.height,
      passed_over: passedOverOf(taken.passedOver),
      ...given({ skipped_frames: taken.skippedFrames }),
    }
  },
})

export const snapshotMethods = [takeSnapshot]
