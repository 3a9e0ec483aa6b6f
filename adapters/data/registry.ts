import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import pLimit from 'p-limit'
import * as Type from 'typebox'
import { type CameraId, cameraNumber, isCameraId } from '../../machines/domain/camera.js'
import type { Registry, RegistryStore } from '../../machines/domain/ports.js'
import { carriedOver } from '../../machines/domain/registry.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

const isId = (id: string) => isCameraId(id) && Number.isSafeInteger(cameraNumber(id))
const Shape = Type.Object({
  keyVersion: Type.Optional(Type.Integer({ minimum: 1 })),
  next: Type.Integer({ minimum: 0 }),
  cameras: Type.Array(
    Type.Object({
      id: Type.Unsafe<CameraId>(Type.String()),
      keys: Type.Array(Type.String()),
      name: Type.Optional(Type.String()),
    }),
  ),
  sharedSerials: Type.Array(Type.String()),
})

const isUnique = (texts: string[]) => new Set(texts).size === texts.length
const isValid = ({ cameras }: Registry) =>
  cameras.every(({ id }) => isId(id)) &&
  isUnique(cameras.map(({ id }) => id)) &&
  isUnique(cameras.flatMap(({ keys }) => keys))

const empty: Registry = { next: 0, cameras: [], sharedSerials: [] }
const newIds = 'cameras get new ids, old ids are not reused'

/**
 * `registry.json` with its copy, and `next-camera`, the number of the next new camera. `next-camera` is written first,
 * so that an id is never reused, even after the registry is lost.
 */
export function createRegistryStore({ dir, log, clock }: StoreOptions): RegistryStore {
  const file = openStateFile({
    dir,
    name: 'registry.json',
    what: 'the camera registry',
    schema: Shape,
    isValid,
    empty,
    consequence: `it is lost: ${newIds}`,
    keepsCopy: true,
    mend: (registry, remains) => atLeast(registry, Math.max(marked, highestIn(remains) + 1)),
    clock,
    log,
  })
  const mark = join(dir, 'next-camera')
  const inTurn = pLimit(1)
  let marked = 0

  async function load(): Promise<Registry> {
    // A damaged mark counts as none.
    const number = Number(await readFile(mark, 'utf8').catch(orEmpty))
    marked = Number.isSafeInteger(number) ? number : 0
    const { value, from } = await file.load()
    if (from === 'nothing' && marked > 0)
      log.warn(`state/registry.json: the camera registry is missing: ${newIds}`, { next: marked })
    return carriedOver(atLeast(value, marked))
  }

  async function save(registry: Registry): Promise<void> {
    if (registry.next > marked) {
      await writeAtomically(mark, `${registry.next}\n`).catch(refuse('written'))
      marked = registry.next
    }
    await file.write(registry)
  }

  return { load, save: (registry) => inTurn(save, registry) }
}

/** The registry with a `next` of at least `floor`, and above the number of every camera in it. */
const atLeast = (registry: Registry, floor: number): Registry => ({
  ...registry,
  next: Math.max(registry.next, floor, ...registry.cameras.map(({ id }) => cameraNumber(id) + 1)),
})

/** The highest camera number in the remains of a file; −1 if there is none. */
const highestIn = (text: string) =>
  [...text.matchAll(/camera(\d{1,9})\b/g)].reduce((highest, [, digits]) => Math.max(highest, Number(digits)), -1)

const refuse = (verb: 'read' | 'written') => (error: unknown) => {
  throw new Error(`the camera registry cannot be ${verb} (${codeOf(error)})`)
}

const orEmpty = (error: unknown) => (codeOf(error) === 'ENOENT' ? '' : refuse('read')(error))
