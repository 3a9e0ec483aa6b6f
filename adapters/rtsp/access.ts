import { readFileSync } from 'node:fs'
import type { RtspAccess } from '../../machines/domain/camera.js'
import { Failure } from '../../machines/domain/reason.js'
import { urlWithUser } from '../../machines/domain/streamUrl.js'
import { codeOf } from '../errorCode.js'

/**
 * Returns the URL of a camera with the user and the password of its file, if there is one. Rejects with
 * `source_refused` if the file cannot be read.
 */
export function urlWithPassword(url: string, { user, passwordFile }: RtspAccess = {}): string {
  if (user === undefined || passwordFile === undefined) return url
  return urlWithUser(url, user, passwordIn(passwordFile))
}

function passwordIn(file: string): string {
  try {
    // An editor adds a line break.
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '')
  } catch (error) {
    throw new Failure('source_refused', `the password file of the camera cannot be read (${codeOf(error)})`)
  }
}
