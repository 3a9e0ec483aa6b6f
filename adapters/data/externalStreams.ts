import { chmod, readFile, rename } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddedStream, ExternalState, ExternalStore } from '../../machines/domain/external.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { readStreamUrl, streamKey } from '../../machines/domain/streamUrl.js'
import { codeOf } from '../errorCode.js'
import { writeAtomically } from './atomic.js'

/** The newest layout; a file of a later one is left alone. */
const version = 1
const name = 'external_streams.json'

/** `external_streams.json` in the data directory's `state`: its URLs may hold passwords, so nobody else may read it. */
export function createExternalStore({ dir, log, clock }: { dir: string; log: Log; clock: Clock }): ExternalStore {
  const file = join(dir, name)
  let queue: Promise<void> = Promise.resolve()
  return {
    async load() {
      const text = await readFile(file, 'utf8').catch((error: unknown) => {
        if (codeOf(error) === 'ENOENT') return undefined
        throw new Error(`the list of external streams cannot be read (${codeOf(error)})`)
      })
      if (text === undefined) return { streams: [] }
      const state = parse(text)
      if (state === 'newer') throw new Error('the list of external streams was written by a newer version of this service')
      // It may have been put there by hand, or from a backup.
      await chmod(file, 0o600).catch(() => {})
      if (state !== 'damaged') return state
      const aside = `${name}.damaged-${new Date(clock.now()).toISOString().replace(/[:.]/g, '-')}`
      await rename(file, join(dir, aside)).catch((error: unknown) => {
        throw new Error(`the list of external streams is damaged and cannot be set aside (${codeOf(error)})`)
      })
      log.error('the list of external streams was damaged and is lost: add them again', { kept_as: aside })
      return { streams: [] }
    },
    save(state) {
      const saved = queue.then(() =>
        writeAtomically(file, `${JSON.stringify({ version, ...state }, null, 2)}\n`).catch((error: unknown) => {
          throw new Error(`the list of external streams cannot be written (${codeOf(error)})`)
        }),
      )
      queue = saved.catch(() => {})
      return saved
    },
  }
}

function parse(text: string): ExternalState | 'damaged' | 'newer' {
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    return 'damaged'
  }
  if (!isRecord(value)) return 'damaged'
  if (typeof value.version === 'number' && value.version > version) return 'newer'
  const { streams, interval } = value
  if (value.version !== version || !Array.isArray(streams) || !streams.every(isStream)) return 'damaged'
  if (interval !== undefined && !(Number.isSafeInteger(interval) && Number(interval) >= 0)) return 'damaged'
  if (new Set(streams.map(({ url }) => streamKey(url))).size < streams.length) return 'damaged'
  return {
    streams: streams.map(({ url, name, type, addedAt }) => ({ url, name, type, addedAt })),
    ...(typeof interval === 'number' && { interval }),
  }
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value)

const isStream = (value: unknown): value is AddedStream =>
  isRecord(value) &&
  typeof value.url === 'string' &&
  isStreamUrl(value.url) &&
  typeof value.name === 'string' &&
  value.name.length <= 64 &&
  (value.type === 'skydio_stanag4609' || value.type === 'generic_rtsp') &&
  Number.isSafeInteger(value.addedAt)

const isStreamUrl = (url: string): boolean => {
  try {
    return readStreamUrl(url).url === url
  } catch {
    return false
  }
}
