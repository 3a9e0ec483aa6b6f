import { link, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import type { Static, TObject } from 'typebox'
import { reasonOf } from '../../machines/domain/errors.js'
import type { Log, WallClock } from '../../machines/domain/ports.js'
import { attempt } from '../attempt.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'
import { shapeCheck } from './shapeCheck.js'

/** The layout of the files. A file with a higher one is refused and left as it is. */
const version = 1

export interface StateFileOptions<Shape extends TObject> {
  /** The data directory's `state`. */
  dir: string
  /** `retention.json` */
  name: string
  /** For messages: `the retention policy`. */
  what: string
  schema: Shape
  /** What the schema cannot say, such as that ids are unique. */
  isValid?(value: Static<Shape>): boolean
  /** The value without a file. */
  empty: Static<Shape>
  /** The value if neither the file nor its copy can be read; default: `empty`. */
  lost?: Static<Shape>
  /** For the log: what it means that the file was damaged and starts empty. */
  consequence?: string
  /** Writes each value to `<name>.previous.json` as well, for the case that the file is damaged or missing. */
  keepsCopy?: boolean
  /** Adds to a replacement value what can be read from the texts of the damaged file and of its copy. */
  mend?(value: Static<Shape>, remains: string): Static<Shape>
  clock: WallClock
  log: Log
}

/** What every store of a single state file needs. */
export type StoreOptions = Pick<StateFileOptions<TObject>, 'dir' | 'clock' | 'log'>

export interface Loaded<T> {
  value: T
  /**
   * `nothing`: there is no file. `copy` and `empty` replace a file that is damaged, or that is missing beside its
   * copy.
   */
  from: 'file' | 'nothing' | 'copy' | 'empty'
}

/**
 * A value in a JSON file. Each write is atomic and survives a power cut; writes run one after the other. Rejections are
 * one sentence without a path; those of `load` begin with the file, relative to the data directory.
 */
export interface StateFile<T> {
  /**
   * Replaces and logs a lost file, and keeps a damaged one under another name. If that cannot be written, the value is
   * used nevertheless, and the damaged file stays.
   */
  load(): Promise<Loaded<T>>
  write(value: T): Promise<void>
  /** Keeps the damaged file under another name, then writes `value`. Resolves with that name, if there was a file. */
  replace(value: T): Promise<string | undefined>
  /** Removes the copy. Never rejects. */
  forget(): Promise<void>
  /** The text in the file; absent: there is no file. */
  text(): Promise<string | undefined>
  /** Throws if a newer version of the service wrote the text. */
  parse(text: string): T | 'damaged'
}

/** The text of a state file that holds `value`. */
export const stateText = (value: object): string => `${JSON.stringify({ version, ...value }, null, 2)}\n`

/** The same error, with the file in front: `state/registry.json: the camera registry cannot be read (EACCES)`. */
export const withFile = (name: string, error: unknown): Error => new Error(`state/${name}: ${reasonOf(error)}`)

/** The name under which a damaged file is kept. */
export const damagedName = (name: string, clock: WallClock): string =>
  `${name}.damaged-${new Date(clock.now()).toISOString().replace(/[:.]/g, '-')}`

export function openStateFile<Shape extends TObject>(options: StateFileOptions<Shape>): StateFile<Static<Shape>> {
  type Value = Static<Shape>
  const { dir, name, what, schema, isValid = () => true, empty, consequence, keepsCopy = false, clock, log } = options
  const path = join(dir, name)
  const copyName = name.replace(/\.json$/, '.previous.json')
  const copyPath = join(dir, copyName)
  const hasShape = shapeCheck(schema)
  const inTurn = pLimit(1)
  const fail = (why: string) => (error: unknown) => {
    throw new Error(`${what} ${why} (${codeOf(error)})`)
  }

  const text = () =>
    readFile(path, 'utf8').catch((error: unknown) =>
      codeOf(error) === 'ENOENT' ? undefined : fail('cannot be read')(error),
    )
  const parse = (json: string): Value | 'damaged' => {
    const object: unknown = attempt(() => JSON.parse(json))
    if (typeof object !== 'object' || object === null || !('version' in object)) return 'damaged'
    const { version: written, ...value } = object
    if (typeof written === 'number' && written > version)
      throw new Error(`${what} was written by a newer version of this service: start that one, or move the file away`)
    return written === version && hasShape(value) && isValid(value) ? value : 'damaged'
  }

  const forget = () => rm(copyPath, { force: true }).catch(() => {})
  /** A copy that cannot be written is removed: a stale one could bring back ended recordings and revoked keys. */
  const copy = async (json: string) => {
    if (keepsCopy) await writeAtomically(copyPath, json).catch(forget)
  }
  const write = async (value: Value) => {
    const json = stateText(value)
    if (parse(json) === 'damaged') throw new Error(`${what} is not written: it would be damaged`)
    await writeAtomically(path, json).catch(fail('cannot be written'))
    await copy(json)
  }
  const replace = async (value: Value) => {
    const kept = damagedName(name, clock)
    // A hard link, not a rename: after a crash before the write, the next start finds the damaged file again.
    const isKept = await link(path, join(dir, kept)).then(
      () => true,
      (error: unknown) =>
        codeOf(error) === 'ENOENT' ? false : fail('is damaged and cannot be kept under another name')(error),
    )
    await write(value)
    return isKept ? kept : undefined
  }

  /** Reads the file, or its copy. */
  const load = async (): Promise<Loaded<Value>> => {
    const json = await text()
    const value = json === undefined ? 'missing' : parse(json)
    const copyText = keepsCopy ? await readFile(copyPath, 'utf8').catch(() => undefined) : undefined
    if (typeof value === 'object') {
      if (json !== undefined && json !== copyText) await copy(json)
      return { value, from: 'file' }
    }
    if (json === undefined && copyText === undefined) return { value: empty, from: 'nothing' }
    const rescued = copyText === undefined ? 'damaged' : parse(copyText)
    const found: Loaded<Value> =
      rescued === 'damaged' ? { value: options.lost ?? empty, from: 'empty' } : { value: rescued, from: 'copy' }
    const mended = options.mend?.(found.value, `${json} ${copyText}`) ?? found.value
    const outcome = found.from === 'copy' ? `its copy ${copyName} is used` : consequence
    const message = `state/${name}: ${what} was ${value}: ${outcome}`
    await replace(mended).then(
      (kept_as) => log[value === 'missing' ? 'warn' : 'error'](message, { ...(kept_as && { kept_as }) }),
      (error: unknown) => log.error(message, { reason: reasonOf(error) }),
    )
    return { ...found, value: mended }
  }

  return {
    load: () =>
      inTurn(load).catch((error: unknown) => {
        throw withFile(name, error)
      }),
    write: (value) => inTurn(write, value),
    replace: (value) => inTurn(replace, value),
    forget,
    text,
    parse,
  }
}
