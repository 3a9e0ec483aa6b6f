import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Log } from '../../machines/domain/ports.js'

/**
 * Looks for the programs that cameras are captured with. Rejects with one line for the operator when ffmpeg is missing: nothing
 * works without it. Warns when only USB cameras do not.
 */
export async function checkPrograms({ path, log }: { path: string; log: Log }): Promise<void> {
  if (!(await isInstalled('ffmpeg', path))) throw new Error('the program ffmpeg is missing (package ffmpeg)')
  if (!(await isInstalled('v4l2-ctl', path)))
    log.warn('USB cameras cannot be used: the program v4l2-ctl is missing (package v4l-utils)')
}

async function isInstalled(program: string, path: string): Promise<boolean> {
  const found = await Promise.all(
    path
      .split(delimiter)
      .filter((dir) => dir !== '')
      .map((dir) =>
        access(join(dir, program), constants.X_OK).then(
          () => true,
          () => false,
        ),
      ),
  )
  return found.includes(true)
}
