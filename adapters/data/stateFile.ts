import { link, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { Static, TObject } from 'typebox'
import { Compile } from 'typebox/compile'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'

/** The layout of the files. A file with a higher one is refused and left as it is. */
const version = 1

export interface StateFileOptions<Shape extends TObject> {
  /** The data directory's `state`. */
  dir: string
  name: string
  /** For messages: `the retention policy`. */
  what: string
  schema: Shape
  /** What the schema cannot say, such as that ids are unique. */
  isValid?(value: Static<Shape>): boolean
  clock: WallClock
}

/** What every store of a single state file needs. */
export type StoreOptions = Pick<StateFileOptions<TObject>, 'dir' | 'clock'> & { log: Log }

/**
 * A value in a JSON file. Each write is atomic and survives a power cut; writes run one after the other. Rejections are
 * one sentence without a path; those of `read` begin with the file, relative to the data directory.
 */
export interface StateFile<T> {
  read(): Promise<T | 'missing' | 'damaged'>
  write(value: T): Promise<void>
  /** Keeps the damaged file under a second name, then writes `value`. Resolves with the second name. */
  replace(value: T): Promise<string>
  /** `replace`, and a log line with the consequence. Never rejects; if it fails, the file stays damaged. */
  repair(value: T, consequence: string, log: Log): Promise<void>
  /** The text in the file; absent: there is no file. */
  text(): Promise<string | undefined>
  /** Throws if a newer version of the service wrote the text. */
  parse(text: string): T | 'damaged'
}

/** The text of a state file that holds `value`. */
export const stateText = (value: object): string => `${JSON.stringify({ version, ...value }, null, 2)}\n`

/** The same error, with the file in front: `state/registry.json: the camera registry cannot be read (EACCES)`. */
export const withFile = (name: string, error: unknown): Error => new Error(`state/${name}: ${reasonOf(error)}`)

export function openStateFile<Shape extends TObject>(options: StateFileOptions<Shape>): StateFile<Static<Shape>> {
  const { dir, name, what, schema, isValid = () => true, clock } = options
  const path = join(dir, name)
  // Value.Check takes half a second for a full list of revocations, the compiled check some milliseconds.
  const shape = Compile(schema)
  const inTurn = pLimit(1)
  const fail = (why: string) => (error: unknown) => {
    throw new Error(`${what} ${why} (${codeOf(error)})`)
  }

  const text = () =>
    readFile(path, 'utf8').catch((error: unknown) =>
      codeOf(error) === 'ENOENT' ? undefined : fail('cannot be read')(error),
    )
  const parse = (json: string): Static<Shape> | 'damaged' => {
    const object: unknown = attempt(() => JSON.parse(json))
    if (typeof object !== 'object' || object === null || !('version' in object)) return 'damaged'
    const { version: written, ...value } = object
    if (typeof written === 'number' && written > version)
      throw new Error(`${what} was written by a newer version of this service: start that one, or move the file away`)
    return written === version && shape.Check(value) && isValid(value) ? value : 'damaged'
  }
  const write = (value: Static<Shape>) => writeAtomically(path, stateText(value)).catch(fail('cannot be written'))

  const replace = (value: Static<Shape>) =>
    inTurn(async () => {
      const kept = `${name}.damaged-${new Date(clock.now()).toISOString().replace(/[:.]/g, '-')}`
      // A second name, not a new one: after a crash before the write, the next start finds the damaged file again.
      await link(path, join(dir, kept)).catch(fail('is damaged and cannot be kept under another name'))
      await write(value)
      return kept
    })

  return {
    async read() {
      try {
        const json = await text()
        return json === undefined ? 'missing' : parse(json)
      } catch (error) {
        throw withFile(name, error)
      }
    },
    write: (value) => inTurn(write, value),
    replace,
    async repair(value, consequence, log) {
      const message = `state/${name}: ${what} was damaged: ${consequence}`
      await replace(value).then(
        (kept_as) => log.error(message, { kept_as }),
        (error: unknown) => log.error(message, { reason: reasonOf(error) }),
      )
    },
    text,
    parse,
  }
}
