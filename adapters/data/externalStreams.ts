import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import Type from 'typebox'
import { Check } from 'typebox/value'
import type { ExternalState, ExternalStore } from '../../machines/domain/external.js'
import type { Clock, Log } from '../../machines/domain/ports.js'
import { readStreamUrl, streamKey } from '../../machines/domain/streamUrl.js'
import { openStateFile } from './stateFile.js'

const name = 'external_streams.json'

const State = Type.Object({
  streams: Type.Array(
    Type.Object({
      url: Type.String(),
      name: Type.String({ maxLength: 64 }),
      type: Type.Enum(['skydio_stanag4609', 'generic_rtsp']),
      addedAt: Type.Integer({ maximum: Number.MAX_SAFE_INTEGER }),
    }),
  ),
  interval: Type.Optional(Type.Integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER })),
})

/** `external_streams.json` in the data directory's `state`. URLs may hold passwords: only the owner can read the file. */
export function createExternalStore({ dir, log, clock }: { dir: string; log: Log; clock: Clock }): ExternalStore {
  const file = openStateFile({ dir, name, what: 'the list of external streams', contentOf: stateOf, clock })
  return {
    async load() {
      const state = await file.read()
      if (state === 'missing') return { streams: [] }
      // A file that was copied here may be readable for others.
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

/** Brings URLs that an earlier version wrote into the present form. */
function stateOf(members: unknown): ExternalState | undefined {
  if (!Check(State, members)) return undefined
  const streams = members.streams.flatMap(({ url, name, type, addedAt }) => {
    const canonical = canonicalUrl(url)
    return canonical === undefined ? [] : [{ url: canonical, name, type, addedAt }]
  })
  if (new Set(streams.map(({ url }) => streamKey(url))).size < members.streams.length) return undefined
  return { streams, ...(members.interval !== undefined && { interval: members.interval }) }
}

/** Returns `undefined` for a URL that cannot be added. */
const canonicalUrl = (url: string): string | undefined => {
  try {
    return readStreamUrl(url).url
  } catch {
    return undefined
  }
}
