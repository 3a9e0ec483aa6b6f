import fs, { open } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'
import sinon from 'sinon'

/** Counts the bytes that are asked for from open files while `act` runs. */
export async function bytesReadBy<T>(act: () => Promise<T>): Promise<{ result: T; bytes: number; reads: number }> {
  const handle = await open('/dev/null', 'r')
  const prototype = Object.getPrototypeOf(handle) as typeof handle
  await handle.close()
  const read = sinon.spy(prototype, 'read')
  try {
    const result = await act()
    const bytes = read.getCalls().reduce((sum, { args }) => sum + Number((args as unknown[])[2] ?? 0), 0)
    return { result, bytes, reads: read.callCount }
  } finally {
    read.restore()
  }
}

/** Counts the calls of these functions of `node:fs/promises` while `act` runs. */
export async function callsDuring(
  names: readonly ('lstat' | 'stat' | 'readdir' | 'open')[],
  act: () => Promise<unknown>,
): Promise<number> {
  const spies = names.map((name) => sinon.spy(fs, name))
  syncBuiltinESMExports()
  try {
    await act()
    return spies.reduce((sum, { callCount }) => sum + callCount, 0)
  } finally {
    for (const spy of spies) spy.restore()
    syncBuiltinESMExports()
  }
}
