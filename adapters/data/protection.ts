import pLimit from 'p-limit'
import Type from 'typebox'
import { reasonOf } from '../../machines/domain/errors.js'
import { isFileName } from '../../machines/domain/fileName.js'
import type { MediaFiles } from '../../machines/domain/ports.js'
import { bareName, mostProtected, type Protection } from '../../machines/domain/protection.js'
import { Failure } from '../../machines/domain/reason.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

const State = Type.Object({ recordings: Type.Array(Type.String()) })

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
    consequence: 'no recording is protected: protect them again',
    keepsCopy: true,
    clock,
    log,
  })
  let names: ReadonlySet<string> = new Set((await file.load()).value.recordings)
  const inTurn = pLimit(1)

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
    await file.write({ recordings: [...next] }).catch((error: unknown) => {
      log.error('the protection of a recording cannot be saved', { reason: reasonOf(error) })
      throw new Failure('not_written')
    })
    names = next
  }

  return {
    has: (name) => names.has(bareName(name)),
    set: (name, isProtected) => inTurn(set, bareName(name), isProtected),
  }
}
