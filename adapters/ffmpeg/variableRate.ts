import { quiet, type Run, run } from './run.js'

/** The option's name before ffmpeg 5.1 (Ubuntu 22.04, Debian 11). */
const earlier = ['-vsync', 'vfr'] as const
const current = ['-fps_mode', 'vfr'] as const

/** Resolves with the arguments that make the installed ffmpeg encode each frame of the camera once. */
export async function findVariableRate(runner: Run = run): Promise<readonly string[]> {
  const args = [...quiet, '-f', 'lavfi', '-i', 'nullsrc', '-frames:v', '1', ...current, '-f', 'null', '-']
  const { code } = await runner('ffmpeg', args, { timeout: 5_000 }).catch(() => ({ code: 0 }))
  return code === 0 ? current : earlier
}
