import type { Log } from '../../machines/domain/ports.js'
import { Failure } from '../../machines/domain/reason.js'
import { findOnPath } from '../programs.js'

/**
 * Checks that the programs for capture are installed. Rejects with `program_missing` if ffmpeg is missing, because all
 * cameras need it. Logs a warning if v4l2-ctl is missing, because only USB cameras need it. `path` is the PATH.
 */
export async function checkPrograms({ path, log }: { path: string; log: Log }): Promise<void> {
  if (!(await findOnPath('ffmpeg', path)))
    throw new Failure('program_missing', 'the program ffmpeg is missing (package ffmpeg)')
  if (!(await findOnPath('v4l2-ctl', path)))
    log.warn('USB cameras cannot be used: the program v4l2-ctl is missing (package v4l-utils)')
}
