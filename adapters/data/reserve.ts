import { randomBytes } from 'node:crypto'
import { rm, stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { codeOf } from '../errorCode.js'

/** In bytes: room for every state file, several times. */
const size = 1_048_576

const reserveIn = (stateDir: string) => join(stateDir, 'reserve')

/** Creates `reserve` in the state folder unless it exists. Rejects with one sentence, and leaves no part of it. */
export async function keepReserve(stateDir: string): Promise<void> {
  const path = reserveIn(stateDir)
  const found = await stat(path).catch(() => undefined)
  if (found?.size === size) return
  try {
    // Random bytes, because some file systems give zeros no room.
    await writeFile(path, randomBytes(size), { mode: 0o600, flush: true })
  } catch (error) {
    await useReserve(stateDir)
    throw new Error(`the reserve cannot be written (${codeOf(error)})`)
  }
}

/** Makes the room of the reserve free. Never rejects. */
export const useReserve = (stateDir: string): Promise<void> => rm(reserveIn(stateDir), { force: true }).catch(() => {})
