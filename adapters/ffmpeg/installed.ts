import { access, constants } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import type { Log } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'

/**
 * Checks that the programs for capture are installed. Rejects with `program_missing` if ffmpeg is missing, because all
 * cameras need it. Logs a warning if v4l2-ctl is missing, because only USB cameras need it. `path` is the PATH.
 */
export async function checkPrograms({ path, log }: { path: string; log: Log }): Promise<void> {
  if (!(await isInstalled('ffmpeg', path)))
    throw new Failure('program_missing', 'the program ffmpeg is missing (package ffmpeg)')
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
