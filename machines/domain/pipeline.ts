/** Chooses how the frames of a camera become its stream. */
import { rateText } from './amounts.js'
import type { CameraSettings, Capabilities, CaptureMode, CodecSettings, Pipeline, SourceKind } from './camera.js'
import { chooseMode, describeMode, formatName } from './captureMode.js'
import { h264Level } from './h264Level.js'
import type { CaptureDefaults } from './ports.js'

/**
 * Copies the camera's own H.264 and encodes all other formats; the media server pulls RTSP cameras. If the camera's
 * entry has codec settings, H.264 is encoded too.
 */
export function choosePipeline(
  kind: SourceKind,
  capabilities: Capabilities,
  settings: CameraSettings,
  defaults: CaptureDefaults,
): Pipeline {
  if (kind === 'rtsp') return pull(capabilities)
  const own = Object.keys(settings.codec ?? {}).length > 0
  const wish = {
    width: settings.width ?? defaults.width,
    height: settings.height ?? defaults.height,
    fps: settings.fps ?? defaults.fps,
    explicit: { size: settings.width !== undefined || settings.height !== undefined, fps: settings.fps !== undefined },
    copy: !own,
  }
  const choice = chooseMode(capabilities, wish)
  const { width, height, fps } = wish
  const mode = choice?.mode ?? { fourcc: '', width, height, fps }
  if (choice && mode.fourcc === 'H264' && !own)
    return { kind: 'copy', mode, reason: `Copied: the camera's own ${describeMode(mode)}; ${choice.reason}.` }
  const codec = codecOf(mode, { ...defaults.codec, ...settings.codec })
  return {
    kind: 'encode',
    mode,
    codec,
    reason: `${choice ? sourceOf(kind, mode, own, choice.reason) : requested(capabilities, mode)} Encoded as H.264 ${codec.profile}, level ${codec.level}.`,
  }
}

/** No format can be used: ffmpeg tries what the driver accepts. */
function requested({ formats }: Capabilities, { width, height, fps }: CaptureMode): string {
  const names = formats.map(({ fourcc, description }) => (description ? `${fourcc} (${description})` : fourcc))
  const offer = names.length > 0 ? `only formats that cannot be read: ${names.join(', ')}` : 'no known format'
  return `The camera offers ${offer}; ${width}x${height} at ${rateText(fps)} fps is requested.`
}

function sourceOf(kind: SourceKind, mode: CaptureMode, own: boolean, reason: string): string {
  const { width, height, fps } = mode
  if (kind === 'virtual') return `Test pattern ${width}x${height} at ${rateText(fps)} fps: ${reason}.`
  if (own && mode.fourcc === 'H264')
    return `Captured as ${describeMode(mode)} (${reason}), and encoded because this camera has its own codec settings.`
  return `Captured as ${describeMode(mode)}: ${reason}.`
}

/** Returns the codec settings with the computed level. */
const codecOf = (mode: CaptureMode, codec: CodecSettings): CodecSettings => ({
  ...codec,
  level: h264Level({ ...mode, ...codec }),
})

/** A zero in the mode means unknown. */
function pull({ formats }: Capabilities): Pipeline {
  const { fourcc = 'H264', sizes = [] } = formats[0] ?? {}
  const { width = 0, height = 0, rates = [] } = sizes[0] ?? {}
  const note = fourcc === 'H264' ? '' : ', which not every player supports'
  return {
    kind: 'pull',
    mode: { fourcc, width, height, fps: rates[0] ?? 0 },
    reason: `Pulled by the media server: the camera sends ${formatName(fourcc)} by itself${note}.`,
  }
}
