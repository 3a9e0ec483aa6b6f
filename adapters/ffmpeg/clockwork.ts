import { existsSync } from 'node:fs'
import type { Clockwork } from './command.js'
import { quiet, type Run, run } from './run.js'

/** Default fonts of common distributions. */
const fonts = [
  '/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf',
  '/usr/share/fonts/truetype/liberation/LiberationSans-Regular.ttf',
  '/usr/share/fonts/truetype/freefont/FreeSans.ttf',
  '/usr/share/fonts/truetype/noto/NotoSans-Regular.ttf',
  '/usr/share/fonts/dejavu-sans-fonts/DejaVuSans.ttf',
  '/usr/share/fonts/TTF/DejaVuSans.ttf',
]

/**
 * Tests whether the installed ffmpeg can draw text: with the first existing font of the list, or with ffmpeg's default
 * font. Resolves with `undefined` if it cannot.
 */
export async function findClockwork({
  runner = run,
  exists = existsSync,
}: {
  runner?: Run
  exists?: (file: string) => boolean
} = {}): Promise<Clockwork | undefined> {
  const fontFile = fonts.find(exists)
  const drawtext = `drawtext=${fontFile ? `fontfile=${fontFile}:` : ''}text=0`
  const args = [...quiet, '-f', 'lavfi', '-i', `testsrc2=size=64x64,${drawtext}`, '-frames:v', '1', '-f', 'null', '-']
  const { code } = await runner('ffmpeg', args, { timeout: 5_000 }).catch(() => ({ code: -1 }))
  return code === 0 ? { ...(fontFile && { fontFile }) } : undefined
}
