import { readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { Clock } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'

/** The newest layout of our files; one of a later layout is left alone. */
const version = 1

export const isRecord = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** The text of a file as we write them. */
export const stateText = (value: object): string => `${JSON.stringify({ version, ...value }, null, 2)}\n`

/** What such a text holds; `contentOf` makes nothing of what is no such value. */
export function readState<T>(
  text: string,
  contentOf: (members: Record<string, unknown>) => T | undefined,
): T | 'damaged' | 'newer' {
  let members: unknown
  try {
    members = JSON.parse(text)
  } catch {
    return 'damaged'
  }
  if (!isRecord(members)) return 'damaged'
  if (typeof members.version === 'number' && members.version > version) return 'newer'
  return (members.version === version ? contentOf(members) : undefined) ?? 'damaged'
}

/** The name under which a damaged file is kept. */
export const asideName = (name: string, { now }: Clock): string =>
  `${name}.damaged-${new Date(now()).toISOString().replace(/[:.]/g, '-')}`

export interface StateFileOptions<T> {
  /** The data directory's `state`. */
  dir: string
  name: string
  /** For messages: `the retention policy`. */
  what: string
  contentOf(members: Record<string, unknown>): T | undefined
  clock: Clock
}

/** One value in one file. Rejections are one sentence without paths. */
export interface StateFile<T> {
  /** Rejects when it cannot be read, or a newer version of this service has written it. */
  read(): Promise<T | 'missing' | 'damaged'>
  /** Keeps a damaged file under another name, which it tells. */
  setAside(): Promise<string>
  /** One after the other, each in one step that survives a power cut. */
  write(value: T): Promise<void>
}

export function openStateFile<T extends object>({
  dir,
  name,
  what,
  contentOf,
  clock,
}: StateFileOptions<T>): StateFile<T> {
  const file = join(dir, name)
  let queue: Promise<void> = Promise.resolve()
  const refuse = (why: string) => (error: unknown) => {
    throw new Error(`${what} ${why} (${codeOf(error)})`)
  }
  return {
    async read() {
      const text = await readFile(file, 'utf8').catch((error: unknown) =>
        codeOf(error) === 'ENOENT' ? undefined : refuse('cannot be read')(error),
      )
      if (text === undefined) return 'missing'
      const value = readState(text, contentOf)
      if (value === 'newer') throw new Error(`${what} was written by a newer version of this service`)
      return value
    },
    async setAside() {
      const aside = asideName(name, clock)
      await rename(file, join(dir, aside)).catch(refuse('is damaged and cannot be set aside'))
      return aside
    },
    write(value) {
      const written = queue.then(() => writeAtomically(file, stateText(value)).catch(refuse('cannot be written')))
      queue = written.catch(() => {})
      return written
    },
  }
}
