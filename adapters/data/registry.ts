import { link, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { cameraNumber, isCameraId } from '../../machines/domain/camera.js'
import type { Clock, Log, Registry, RegistryStore } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'
import { asideName, isRecord, readState, stateText } from './stateFile.js'

export interface RegistryOptions {
  /** The data directory's `state`. */
  dir: string
  log: Log
  clock: Clock
}

/**
 * `registry.json`, and two files that only matter when it is damaged: `registry.previous.json`, what it was before the
 * last save, and `next-camera`, the highest number ever given out, written before a camera with it is. So an id is not
 * reused even when who was who is lost.
 */
export function createRegistryStore({ dir, log, clock }: RegistryOptions): RegistryStore {
  const [file, previous, mark] = ['registry.json', 'registry.previous.json', 'next-camera'].map((name) =>
    join(dir, name),
  ) as [string, string, string]
  let kept: string | undefined
  let marked = 0
  let queue: Promise<void> = Promise.resolve()

  async function load(): Promise<Registry> {
    const text = await readText(file)
    const found = text === undefined ? 'missing' : parse(text)
    if (found === 'newer') throw new Error('the camera registry was written by a newer version of this service')
    const floor = await readMark()
    if (typeof found === 'object') {
      kept = text
      return atLeast(found, floor)
    }
    if (found === 'missing') return atLeast(empty, floor)
    const older = await readText(previous)
    const rescued = older === undefined ? undefined : parse(older)
    const aside = asideName('registry.json', clock)
    const registry = atLeast(
      typeof rescued === 'object' ? rescued : empty,
      Math.max(floor, highestIn(text ?? '') + 1, highestIn(older ?? '') + 1),
    )
    // A second name, then the new content over the first: no crash between them leaves no registry at all.
    await link(file, join(dir, aside)).catch(refuse('is damaged and cannot be set aside'))
    await write(registry).catch(refuse('cannot be written'))
    log.error(
      typeof rescued === 'object'
        ? 'the camera registry was damaged: the copy before its last change is used'
        : 'the camera registry was damaged and is lost: cameras get new ids, old ones are not reused',
      { kept_as: aside, cameras: registry.cameras.length, next: registry.next },
    )
    return registry
  }

  /** One that is no number is as good as none: the registry itself tells. */
  async function readMark(): Promise<number> {
    const number = Number(((await readText(mark)) ?? '').trim() || '0')
    marked = Number.isSafeInteger(number) && number > 0 ? number : 0
    return marked
  }

  async function write(registry: Registry): Promise<void> {
    const text = stateText(registry)
    if (registry.next > marked) {
      await writeAtomically(mark, `${registry.next}\n`)
      marked = registry.next
    }
    if (kept !== undefined && kept !== text) await writeAtomically(previous, kept)
    await writeAtomically(file, text)
    kept = text
  }

  return {
    load,
    save: (registry) => {
      const saved = queue.then(() => write(registry).catch(refuse('cannot be written')))
      queue = saved.catch(() => {})
      return saved
    },
  }
}

const empty: Registry = { next: 0, cameras: [], sharedSerials: [] }

const atLeast = (registry: Registry, floor: number): Registry => ({
  ...registry,
  next: Math.max(registry.next, floor, ...registry.cameras.map(({ id }) => cameraNumber(id) + 1)),
})

function refuse(what: string) {
  return (error: unknown): never => {
    throw new Error(`the camera registry ${what} (${codeOf(error)})`)
  }
}

async function readText(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? undefined : refuse('cannot be read')(error)
  }
}

const parse = (text: string) => readState(text, registryOf)

function registryOf({ next, cameras, sharedSerials }: Record<string, unknown>): Registry | undefined {
  if (!isCount(next) || !isTexts(sharedSerials) || !Array.isArray(cameras) || !cameras.every(isCamera)) return undefined
  const [ids, keys] = [cameras.map(({ id }) => id), cameras.flatMap((camera) => camera.keys)]
  if (new Set(ids).size < ids.length || new Set(keys).size < keys.length) return undefined
  return { next, cameras: cameras.map(({ id, keys }) => ({ id, keys })), sharedSerials }
}

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && Number(value) >= 0
const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string')
const isCamera = (value: unknown): value is Registry['cameras'][number] =>
  isRecord(value) &&
  typeof value.id === 'string' &&
  isCameraId(value.id) &&
  Number.isSafeInteger(cameraNumber(value.id)) &&
  isTexts(value.keys)

/** The highest camera number that the remains of a file name; −1: none. */
const highestIn = (text: string) =>
  [...text.matchAll(/camera(\d{1,9})\b/g)].reduce((highest, [, digits]) => Math.max(highest, Number(digits)), -1)
