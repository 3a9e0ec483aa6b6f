import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import Type from 'typebox'
import { type CameraId, cameraNumber, isCameraId } from '../../machines/domain/camera.js'
import type { Registry, RegistryStore } from '../../machines/domain/ports.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'
import { openStateFile, type StoreOptions, stateText } from './stateFile.js'

const isId = (id: string) => isCameraId(id) && Number.isSafeInteger(cameraNumber(id))
const Shape = Type.Object({
  next: Type.Integer({ minimum: 0 }),
  cameras: Type.Array(
    Type.Object({
      id: Type.Unsafe<CameraId>(Type.Refine(Type.String(), isId)),
      keys: Type.Array(Type.String()),
    }),
  ),
  sharedSerials: Type.Array(Type.String()),
})

const isUnique = (texts: string[]) => new Set(texts).size === texts.length
const areUnique = ({ cameras }: Registry) =>
  isUnique(cameras.map(({ id }) => id)) && isUnique(cameras.flatMap(({ keys }) => keys))

const empty: Registry = { next: 0, cameras: [], sharedSerials: [] }

/**
 * `registry.json`, and two files that are only read when it is damaged or missing: `registry.previous.json`, its
 * content before the last change, and `next-camera`, the number of the next new camera. `next-camera` is written first,
 * so that an id is never reused, even after the registry is lost.
 */
export function createRegistryStore({ dir, log, clock }: StoreOptions): RegistryStore {
  const open = (name: string) =>
    openStateFile({ dir, name, what: 'the camera registry', schema: Shape, isValid: areUnique, clock })
  const [file, previous] = [open('registry.json'), open('registry.previous.json')]
  const mark = join(dir, 'next-camera')
  const inTurn = pLimit(1)
  let stored: Registry | undefined
  let marked = 0

  async function load(): Promise<Registry> {
    const found = await file.read()
    // A damaged mark counts as none.
    const number = Number(await readFile(mark, 'utf8').catch(orEmpty))
    marked = Number.isSafeInteger(number) ? number : 0
    if (found === 'damaged') return rescue()
    stored = found === 'missing' ? undefined : found
    return atLeast(stored ?? empty, marked)
  }

  async function rescue(): Promise<Registry> {
    const copy = await previous.read()
    const rescued = typeof copy === 'object'
    const remains = await Promise.all([file.text(), previous.text()])
    const registry = atLeast(rescued ? copy : empty, Math.max(marked, ...remains.map((text) => highestIn(text) + 1)))
    const kept_as = await file.replace(registry)
    stored = registry
    log.error(
      `state/registry.json: the camera registry was damaged${
        rescued
          ? ': the copy before its last change is used'
          : ' and is lost: cameras get new ids, old ids are not reused'
      }`,
      { kept_as, cameras: registry.cameras.length, next: registry.next },
    )
    return registry
  }

  async function save(registry: Registry): Promise<void> {
    if (registry.next > marked) {
      await writeAtomically(mark, `${registry.next}\n`).catch(refuse('written'))
      marked = registry.next
    }
    if (stored !== undefined && stateText(stored) !== stateText(registry)) await previous.write(stored)
    await file.write(registry)
    stored = registry
  }

  return { load, save: (registry) => inTurn(save, registry) }
}

/** The registry with a `next` of at least `floor`, and above the number of every camera in it. */
const atLeast = (registry: Registry, floor: number): Registry => ({
  ...registry,
  next: Math.max(registry.next, floor, ...registry.cameras.map(({ id }) => cameraNumber(id) + 1)),
})

/** The highest camera number in the remains of a file; −1 if there is none. */
const highestIn = (text = '') =>
  [...text.matchAll(/camera(\d{1,9})\b/g)].reduce((highest, [, digits]) => Math.max(highest, Number(digits)), -1)

const refuse = (verb: 'read' | 'written') => (error: unknown) => {
  throw new Error(`the camera registry cannot be ${verb} (${codeOf(error)})`)
}

const orEmpty = (error: unknown) => (codeOf(error) === 'ENOENT' ? '' : refuse('read')(error))
