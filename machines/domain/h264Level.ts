import type { CaptureMode, CodecSettings } from './camera.js'

/**
 * H.264 levels from 3.0 up (ITU-T H.264, table A-1): macroblocks per second, per frame, kbit/s of baseline and main.
 */
const levels = [
  ['3.0', 40_500, 1_620, 10_000],
  ['3.1', 108_000, 3_600, 14_000],
  ['3.2', 216_000, 5_120, 20_000],
  ['4.0', 245_760, 8_192, 20_000],
  ['4.1', 245_760, 8_192, 50_000],
  ['4.2', 522_240, 8_704, 50_000],
  ['5.0', 589_824, 22_080, 135_000],
  ['5.1', 983_040, 36_864, 240_000],
  ['5.2', 2_073_600, 36_864, 240_000],
  ['6.0', 4_177_920, 139_264, 240_000],
  ['6.1', 8_355_840, 139_264, 480_000],
  ['6.2', 16_711_680, 139_264, 800_000],
] as const

/** `level`: the lowest level to use, as configured; `auto` is 3.0. */
type LevelDemand = Omit<CaptureMode, 'fourcc'> & Pick<CodecSettings, 'bitrate' | 'profile' | 'level'>

/** Returns the lowest level, from the configured one up, that allows the stream; the highest level if none does. */
export function h264Level({ width, height, fps, bitrate, profile, level }: LevelDemand): string {
  const across = Math.ceil(width / 16)
  const down = Math.ceil(height / 16)
  const factor = profile === 'high' ? 1.25 : 1
  const from = Math.max(
    0,
    levels.findIndex(([name]) => name === (/^\d$/.test(level) ? `${level}.0` : level)),
  )
  const fits = levels.slice(from).find(([, perSecond, perFrame, kilobits]) => {
    const longest = Math.sqrt(perFrame * 8)
    // Cameras report 30 frames a second as 30.00003.
    const speed = across * down * (Math.round(fps * 100) / 100)
    return (
      speed <= perSecond &&
      across * down <= perFrame &&
      across <= longest &&
      down <= longest &&
      bitrate <= kilobits * 1000 * factor
    )
  })
  return fits?.[0] ?? '6.2'
}
