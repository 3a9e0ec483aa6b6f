import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import type { AddedStream, ExternalState, ExternalStore } from '../../machines/domain/external.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { readStreamUrl, streamKey } from '../../machines/domain/streamUrl.js'
import { isRecord, openStateFile } from './stateFile.js'

const name = 'external_streams.json'

/** `external_streams.json` in the data directory's `state`: its URLs may hold passwords, so nobody else may read it. */
export function createExternalStore({ dir, log, clock }: { dir: string; log: Log; clock: Clock }): ExternalStore {
  const file = openStateFile({ dir, name, what: 'the list of external streams', contentOf: stateOf, clock })
  return {
    async load() {
      const state = await file.read()
      if (state === 'missing') return { streams: [] }
      // It may have been put there by hand, or from a backup.
      await chmod(join(dir, name), 0o600).catch(() => {})
      if (state !== 'damaged') return state
      log.error('the list of external streams was damaged and is lost: add them again', {
        kept_as: await file.setAside(),
      })
      return { streams: [] }
    },
    save: file.write,
  }
}

function stateOf({ streams, interval }: Record<string, unknown>): ExternalState | undefined {
  if (!Array.isArray(streams) || !streams.every(isStream)) return undefined
  if (interval !== undefined && !(Number.isSafeInteger(interval) && Number(interval) >= 0)) return undefined
  if (new Set(streams.map(({ url }) => streamKey(url))).size < streams.length) return undefined
  return {
    streams: streams.map(({ url, name, type, addedAt }) => ({ url, name, type, addedAt })),
    ...(typeof interval === 'number' && { interval }),
  }
}

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
