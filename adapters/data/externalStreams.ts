import { chmod } from 'node:fs/promises'
import { join } from 'node:path'
import * as Type from 'typebox'
import type { ExternalState, ExternalStore } from '../../machines/domain/external.js'
import type { Log } from '../../machines/domain/ports.js'
import { parseStreamUrl, streamKey } from '../../machines/domain/streamUrl.js'
import { openStateFile, type StoreOptions } from './stateFile.js'

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

const areUnique = ({ streams }: ExternalState) =>
  new Set(streams.map(({ url }) => streamKey(url))).size === streams.length

/**
 * The external streams that clients have added, in `external_streams.json`. The URLs may hold passwords: only the owner
 * may read it.
 */
export function createExternalStore({ dir, log, clock }: StoreOptions): ExternalStore {
  const file = openStateFile({
    dir,
    name,
    what: 'the list of external streams',
    schema: State,
    isValid: areUnique,
    empty: { streams: [] },
    consequence: 'add the streams again',
    keepsCopy: true,
    clock,
    log,
  })
  return {
    async load() {
      // An operator may have put it there, or a backup.
      await chmod(join(dir, name), 0o600).catch(() => {})
      const { value } = await file.load()
      return { ...value, streams: canonicalStreams(value.streams, log) }
    },
    save: (state) => file.write(state),
  }
}

/** An earlier version may have written its own form of a URL, or one that is refused today. */
const canonicalStreams = (streams: ExternalState['streams'], log: Log): ExternalState['streams'] =>
  streams.flatMap((stream) => {
    const parsed = parseStreamUrl(stream.url)
    if (!('rule' in parsed)) return [{ ...stream, url: parsed.url }]
    log.error('an external stream cannot be used: add it again', { name: stream.name, reason: parsed.rule })
    return []
  })
