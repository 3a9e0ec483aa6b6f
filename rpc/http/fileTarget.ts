import { mayUse } from '../../machines/domain/access.js'
import { notFound } from '../../machines/domain/errors.js'
import { isFileName } from '../../machines/domain/fileName.js'
import type { FileKind, MediaFile } from '../../machines/domain/ports.js'
import { fromDisk } from '../fromDisk.js'
import type { RpcOptions } from '../options.js'
import { resources } from '../present.js'
import type { HttpCaller } from './caller.js'
import type { Exchange } from './reading.js'

export interface FileTarget {
  kind: FileKind
  name: string
}

/**
 * Returns the file that a path names below `/files` or `/thumbnails`; `unknown`: the path has another form,
 * `no_file_name`: it has the form, but no name that a file can have.
 */
export function fileTargetIn(root: 'files' | 'thumbnails', path: string): FileTarget | 'unknown' | 'no_file_name' {
  const [, found, kind, encoded] = /^\/(files|thumbnails)\/(recordings|snapshots)\/([^/]+)$/.exec(path) ?? []
  if (found !== root || encoded === undefined) return 'unknown'
  const name = decoded(encoded)
  return name === undefined || !isFileName(name) ? 'no_file_name' : { kind: kind as FileKind, name }
}

const decoded = (text: string): string | undefined => {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}

/**
 * Resolves with the file if the caller may have it. Rejects with `notFound` otherwise: a client must not learn which
 * files of other cameras exist. `subjectOf`: the grant that a signed URL for this file has.
 */
export async function findFor(
  { files }: Pick<RpcOptions, 'files'>,
  { kind, name }: FileTarget,
  {
    caller,
    exchange,
    subjectOf,
  }: {
    caller: HttpCaller
    exchange: Exchange
    subjectOf: (kind: FileKind, file: MediaFile) => string
  },
): Promise<MediaFile> {
  const file = await fromDisk(files.find(kind, name))
  if (file === undefined || (caller.only !== undefined && caller.only !== subjectOf(kind, file)))
    throw notFound(resources[kind], name)
  if (mayUse(caller, file.camera)) return file
  exchange.refusal = 'camera_right'
  throw notFound(resources[kind], name)
}
