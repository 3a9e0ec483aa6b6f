import pLimit from 'p-limit'
import type { Static } from 'typebox'
import * as Type from 'typebox'
import { reasonOf } from '../../machines/domain/errors.js'
import { isFileName } from '../../machines/domain/fileName.js'
import type { MediaFiles } from '../../machines/domain/ports.js'
import { bareName, mostProtected, type Protection } from '../../machines/domain/protection.js'
import { because, Failure } from '../../machines/domain/reason.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

/** `lost`: the file was damaged, and other recordings may have been protected. */
const State = Type.Object({ recordings: Type.Array(Type.String()), lost: Type.Optional(Type.Literal(true)) })

interface ProtectionOptions extends StoreOptions {
  files: Pick<MediaFiles, 'find'>
}

/** The protected recordings, in `protected.json`. The file is read once: only this service writes it. */
export async function createProtection({ dir, clock, log, files }: ProtectionOptions): Promise<Protection> {
  const file = openStateFile({
    dir,
    name: 'protected.json',
    what: 'the list of protected recordings',
    schema: State,
    isValid: ({ recordings }) => recordings.every(isFileName),
    empty: { recordings: [] },
    lost: { recordings: [], lost: true },
    consequence:
      'retention deletes nothing until a client protects the recordings again and accepts the loss with ' +
      'cleanup_old_files',
    keepsCopy: true,
    clock,
    log,
  })
  const { recordings, lost = false } = (await file.load()).value
  let names: ReadonlySet<string> = new Set(recordings)
  let isLost = lost
  const inTurn = pLimit(1)

  const save = (state: Static<typeof State>) =>
    file.write(state).catch((error: unknown) => {
      log.error('the protection of a recording cannot be saved', { reason: reasonOf(error) })
      throw new Failure('not_written')
    })

  const present = async (): Promise<string[]> => {
    const found: string[] = []
    for (const name of names) if (await files.find('recordings', name)) found.push(name)
    return found
  }

  const set = async (name: string, isProtected: boolean) => {
    if (names.has(name) === isProtected) return
    const others = isProtected && names.size >= mostProtected ? await present() : [...names]
    if (isProtected && others.length >= mostProtected)
      throw new Failure('limit_reached', `${mostProtected} recordings are protected, which is the limit`)
    const next = new Set(others)
    if (isProtected) next.add(name)
    else next.delete(name)
    await save({ recordings: [...next], ...(isLost && { lost: true }) })
    names = next
  }

  const acceptLoss = async () => {
    if (!isLost) return
    await save({ recordings: [...names] })
    isLost = false
    log.warn('a client accepted that the list of protected recordings is lost: retention deletes files again')
  }

  return {
    has: (name) => names.has(bareName(name)),
    set: (name, isProtected) => inTurn(set, bareName(name), isProtected),
    loss: () => (isLost ? because('protections_lost') : undefined),
    acceptLoss: () => inTurn(acceptLoss),
  }
}
