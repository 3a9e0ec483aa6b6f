export interface ProgressBlock {
  frames: number
  /** Mean since the start of the process. */
  fps: number
  /** Bits per second, 0 when unknown. */
  bitrate: number
  /** The media time of the newest frame, in ms; absent when unknown. */
  mediaTime?: number
  /** Frames that ffmpeg added or left out to keep a rate. */
  duplicated: number
  dropped: number
  /** The last block: ffmpeg ends normally. */
  last: boolean
}

/** Maximum number of bytes kept of an incomplete block; a normal block has about 220. */
const longest = 4_096

const used = new Set(['frame', 'fps', 'bitrate', 'out_time_us', 'out_time_ms', 'dup_frames', 'drop_frames'])

/** Parses `-progress` output, independent of the packet boundaries. */
export function createProgressParser(onBlock: (block: ProgressBlock) => void): (text: string) => void {
  let rest = ''
  let values: Record<string, string> = {}
  return (text) => {
    const lines = (rest + text).split('\n')
    rest = (lines.pop() ?? '').slice(-longest)
    for (const line of lines) {
      const at = line.indexOf('=')
      if (at < 1) continue
      const name = line.slice(0, at).trim()
      const value = line.slice(at + 1).trim()
      if (name !== 'progress') {
        if (used.has(name)) values[name] = value
        continue
      }
      // `out_time_ms` is in microseconds, too, and the only one in old versions.
      const mediaTime = Number.parseInt(values.out_time_us ?? values.out_time_ms ?? '', 10) / 1_000
      onBlock({
        frames: number(values.frame),
        fps: number(values.fps),
        bitrate: bits(values.bitrate),
        ...(Number.isFinite(mediaTime) && { mediaTime }),
        duplicated: number(values.dup_frames),
        dropped: number(values.drop_frames),
        last: value === 'end',
      })
      values = {}
    }
  }
}

/** Returns 0 for `N/A` and for a missing value. */
const number = (text: string | undefined): number => {
  const value = Number.parseFloat(text ?? '')
  return Number.isFinite(value) && value > 0 ? value : 0
}

const bits = (text: string | undefined): number => Math.round(number(text) * 1000)
