import { randomBytes } from 'node:crypto'
import { createWriteStream, type WriteStream } from 'node:fs'
import { link, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { codeOf } from '../../adapters/errorCode.js'
import { CommandError } from '../outcome.js'

const existing = (to: string): CommandError =>
  new CommandError(`${to} exists already and is not replaced: name another file with -o FILE, or use --force`, 1)

/** Rejects if a command would replace the file `to`. `-`: standard output. */
export async function demandFree(to: string, force: boolean): Promise<void> {
  if (to === '-' || force) return
  if ((await stat(to).catch(() => undefined))?.isFile()) throw existing(to)
}

/** A file that is being written. */
export interface SavedFile {
  stream: NodeJS.WritableStream
  /** Gives the file its name. Rejects if another file got the name meanwhile and must not be replaced. */
  keep(): Promise<void>
  drop(): Promise<void>
}

/**
 * The file gets its name when it is complete. A pipe or a device is written to, not replaced. `-`: `output`. Rejects
 * with CommandError if `to` is a folder, or a file without `force`.
 */
export async function openSaved(
  to: string,
  { force, output, mode }: { force: boolean; output: NodeJS.WritableStream; mode?: number },
): Promise<SavedFile> {
  const nothing = async () => {}
  if (to === '-') return { stream: output, keep: nothing, drop: nothing }
  await demandFree(to, force)
  const present = await stat(to).catch(() => undefined)
  if (present?.isDirectory()) throw new CommandError(`${to} is a folder: name a file with -o`, 1)
  if (present !== undefined && !present.isFile()) return { stream: createWriteStream(to), keep: nothing, drop: nothing }
  const part = join(dirname(to), `.${basename(to)}.${randomBytes(4).toString('hex')}.part`)
  const stream = createWriteStream(part, { flags: 'wx', ...(mode !== undefined && { mode }) })
  return {
    stream,
    keep: () => (force ? rename(part, to) : renameNew(part, to)),
    async drop() {
      await closed(stream)
      await rm(part, { force: true })
    },
  }
}

/** The system may create the file of a stream after the stream was destroyed: it is removed after that. */
async function closed(stream: WriteStream): Promise<void> {
  if (stream.closed) return
  stream.on('error', () => {})
  const close = new Promise<void>((resolve) => stream.once('close', () => resolve()))
  stream.destroy()
  await close
}

/** The fault of the place for the file, in words; `undefined`: another fault. */
export function faultOfPlace(error: unknown): CommandError | undefined {
  const code = codeOf(error)
  if (!['ENOENT', 'ENOTDIR', 'EACCES', 'ENOSPC', 'EROFS', 'EDQUOT', 'EISDIR', 'EFBIG'].includes(code)) return undefined
  return new CommandError(`the file cannot be written (${code}): name another one with -o`, 1)
}

/** Unlike rename(2), replaces nothing: a link fails if the name exists. */
async function renameNew(part: string, to: string): Promise<void> {
  try {
    await link(part, to)
  } catch (error) {
    if (codeOf(error) === 'EEXIST') throw existing(to)
    // The file system has no links, as FAT.
    await demandFree(to, false)
    return rename(part, to)
  }
  await rm(part, { force: true })
}
