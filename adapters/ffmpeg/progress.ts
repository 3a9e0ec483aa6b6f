import type { PipelineProgress } from '../../machines/domain/ports.js'

export interface ProgressBlock extends PipelineProgress {
  /** The last block: ffmpeg ends normally. */
  last: boolean
}

/** Maximum number of bytes kept of an incomplete block; a normal block has about 220. */
const longest = 4_096

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
        if (name === 'frame' || name === 'fps' || name === 'bitrate') values[name] = value
        continue
      }
      onBlock({
        frames: number(values.frame),
        fps: number(values.fps),
        bitrate: bits(values.bitrate),
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
